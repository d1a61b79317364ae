// A first connection: subscribe, publish, receive, good-bye.
//
//   npx node examples/first-connection.ts [mqtt://localhost:1883]
import { ConnectError, connect } from '@hawser/client';

const url = process.argv[2] ?? 'mqtt://localhost:1883';

try {
  await using client = await connect(url);
  console.log(`connected as ${client.clientId}`);

  const messages = client.messages('hello/+', { qos: 1 });
  await client.publish('hello/world', 'Ahoy!', { qos: 1 });

  for await (const message of messages) {
    console.log(`${message.topic}: ${message.text()}`);
    break;
  }
} catch (error) {
  if (!(error instanceof ConnectError)) throw error;
  console.error(`${error.stage}: ${error.message}\n  ${error.hint}`);
  process.exitCode = 1;
}
