// What MQTT 5.0 adds to a message.
//
//   npx node examples/properties.ts [mqtt://localhost:1883]
import { connect } from '@hawser/client';

const url = process.argv[2] ?? 'mqtt://localhost:1883';
await using client = await connect(url, { userProperties: [['program', 'examples/properties.ts']] });

const messages = client.messages('weather/#', { qos: 1 });
await client.publish('weather/harbour', JSON.stringify({ wind: 7 }), {
  qos: 1,
  contentType: 'application/json',
  payloadFormatIndicator: 1,
  messageExpiryInterval: 600,
  userProperties: [
    ['station', 'north pier'],
    ['station', 'south pier'],
  ],
});

const { value: message } = await messages.next();
console.log(message?.contentType, message?.json());
console.log(`expires in ${message?.messageExpiryInterval} s; stations: ${message?.userProperty('station').join(', ')}`);

// What was asked for, what the server granted, what holds.
const { keepAlive, receiveMaximum } = client.negotiated ?? {};
console.log('keep alive', keepAlive, 'receive maximum', receiveMaximum);
