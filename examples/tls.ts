// TLS with a certificate authority of one's own.
//
//   node examples/tls.ts mqtts://localhost:8883 ca.pem
import { connect } from '@hawser/client';

const [url = 'mqtts://localhost:8883', ca] = process.argv.slice(2);

// Paths are read again before every attempt: a renewed file is used without a restart.
await using client = await connect(url, { tls: ca === undefined ? {} : { ca } });

const result = await client.publish('tls/example', 'nobody else reads this', { qos: 1 });
console.log(`published over TLS, reason code ${result.reasonCode}`);
