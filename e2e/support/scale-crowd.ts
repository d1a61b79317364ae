// Many clients in a process of their own: node scale-crowd.ts PORT COUNT NAME [FILTER QOS]. With a filter they subscribe,
// and then never read again. Tells its parent when all of them are connected.
import { connect, type Socket } from 'node:net';

const [port = '0', count = '0', name = 'crowd', filter, qos = '0'] = process.argv.slice(2);
const AT_ONCE = 200;
const text = (value: string): number[] => [
  Buffer.byteLength(value) >> 8,
  Buffer.byteLength(value) & 0xff,
  ...Buffer.from(value),
];
const packet = (first: number, body: readonly number[]): number[] => [first, body.length, ...body];
const sockets: Socket[] = [];
let answered = 0;
let next = 0;

function join(): void {
  const number = next++;
  if (number >= Number(count)) return;
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  sockets.push(socket);
  const hello = packet(0x10, [...text('MQTT'), 4, 2, 0, 0, ...text(`${name}-${number}`)]);
  if (filter !== undefined) hello.push(...packet(0x82, [0, 1, ...text(filter), Number(qos)]));
  socket.write(Uint8Array.from(hello));
  let got = 0;
  const wanted = filter === undefined ? 4 : 9;
  const onData = (chunk: Buffer): void => {
    got += chunk.length;
    if (got < wanted) return;
    socket.off('data', onData);
    if (filter !== undefined) socket.pause();
    answered++;
    if (answered === Number(count)) process.send?.('ready');
    join();
  };
  socket.on('data', onData);
  socket.on('error', (error) => process.send?.(`${name}-${number}: ${error.message}`));
}

process.on('message', () => {
  // They begin to read: whatever waits for them comes.
  for (const socket of sockets) socket.resume();
});
process.on('disconnect', () => process.exit(0));
for (let i = 0; i < AT_ONCE; i++) join();
