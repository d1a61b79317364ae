// A Last Will: the server says it when a client is lost.
//
//   npx node examples/will.ts [mqtt://localhost:1883]
import { connect } from '@hawser/client';

const url = process.argv[2] ?? 'mqtt://localhost:1883';

await using watcher = await connect(url);
const states = watcher.messages('buoy/state', { qos: 1 });

const buoy = await connect(url, { will: { topic: 'buoy/state', payload: 'lost', qos: 1 } });
await buoy.publish('buoy/state', 'afloat', { qos: 1 });
console.log(`the buoy is ${(await states.next()).value?.text()}`);

// Reason Code 4 disconnects and asks for the Will, as a lost network would.
await buoy.disconnect({ reasonCode: 4 });
console.log(`the buoy is ${(await states.next()).value?.text()}`);
