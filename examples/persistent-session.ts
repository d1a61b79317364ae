// A persistent session: what is published while a client is away waits for it.
//
//   npx node examples/persistent-session.ts [mqtt://localhost:1883]
import { connect } from '@hawser/client';

const url = process.argv[2] ?? 'mqtt://localhost:1883';
// A session is found again by its Client ID, so it must be a fixed one. An hour is what the server keeps it for.
const options = { clientId: 'harbour-office', cleanStart: false, sessionExpiryInterval: 3600 } as const;

const first = await connect(url, options);
await first.subscribe('harbour/arrivals', { qos: 1 });
await first.disconnect();
console.log('the office is closed');

await using ship = await connect(url);
for (const name of ['Aurora', 'Borealis', 'Corona']) await ship.publish('harbour/arrivals', name, { qos: 1 });

const again = await connect(url, options);
console.log(`the office is open, session present: ${again.negotiated?.sessionPresent}`);
let missed = 0;
await new Promise<void>((resolve) => {
  again.on('message', (message) => {
    console.log(`arrived meanwhile: ${message.text()}`);
    missed += 1;
    if (missed === 3) resolve();
  });
});

// An expiry of 0 ends the session with the connection: this example leaves nothing behind.
await again.disconnect({ sessionExpiryInterval: 0 });
