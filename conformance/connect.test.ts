import { suite } from './harness/statement.ts';

const statement = suite();
statement('MQTT31 MQTT311-3.12.4-1 MQTT5-3.12.4-1', 'PINGREQ is answered', async ({ connect }) => {
  const peer = await connect();
  await peer.expectNothing();
});
