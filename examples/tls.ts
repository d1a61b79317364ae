// TLS with a certificate authority of one's own.
//
//   npx node examples/tls.ts [mqtts://localhost:8883 [hawser-data/certs/ca.crt]]
import { connect } from '@hawser/client';

// A broker made the authority's certificate on its first start (`npm start`), in the folder it was started in.
const [url = 'mqtts://localhost:8883', ca = 'hawser-data/certs/ca.crt'] = process.argv.slice(2);

// Paths are read again before every attempt: a renewed file is used without a restart.
await using client = await connect(url, { tls: { ca } });

const result = await client.publish('tls/example', 'nobody else reads this', { qos: 1 });
console.log(`published over TLS, reason code ${result.reasonCode}`);
