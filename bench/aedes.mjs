// Aedes on one port, for the comparison with `--aedes`; it is no dependency of ours, so the import is by a name that may fail.
import { createServer } from 'node:net';

const name = 'aedes';
const { Aedes, default: make } = await import(name);
const broker = Aedes?.createBroker ? await Aedes.createBroker() : make();
createServer(broker.handle).listen(Number(process.argv[2]), '127.0.0.1');
