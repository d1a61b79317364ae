// Request and response: one client asks, another answers.
//
//   npx node examples/request-response.ts [mqtt://localhost:1883]
import { connect } from '@hawser/client';

const url = process.argv[2] ?? 'mqtt://localhost:1883';

await using service = await connect(url);
service.onMessage(async ({ topic, responseTopic, correlationData }) => {
  if (responseTopic === undefined) return;
  const depth = { berth: topic.split('/')[1], metres: 11.5 };
  await service.publish(responseTopic, JSON.stringify(depth), { correlationData, qos: 1 });
}, 'berths/+/depth');
await service.subscribe('berths/+/depth', { qos: 1 });

await using pilot = await connect(url);
const answer = await pilot.request('berths/7/depth', '', { timeout: 5, qos: 1 });
console.log('answer:', answer.json());
