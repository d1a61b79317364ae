// Mutual TLS: the server knows the client by its certificate.
//
//   npx node examples/mutual-tls.ts [mqtts://localhost:8883 [ca.crt client.crt client.key]]
//
// `npm start` makes the three files in hawser-data/certs, but its TLS port asks nobody for a certificate. To have it ask, stop the broker and
// start it once more with `npm start -- --config examples/mutual-tls.yaml`.
import { ConnectError, connect } from '@hawser/client';

const certs = 'hawser-data/certs';
const [
  url = 'mqtts://localhost:8883',
  ca = `${certs}/ca.crt`,
  cert = `${certs}/client.crt`,
  key = `${certs}/client.key`,
] = process.argv.slice(2);

await using client = await connect(url, { tls: { ca, cert, key } });
console.log(`connected as ${client.clientId}, with a certificate for whoever asks`);

// Did the server ask? Then nobody gets in without one.
try {
  await using _stranger = await connect(url, { tls: { ca }, reconnect: false });
  console.log('the server lets in clients without a certificate too: start it with examples/mutual-tls.yaml');
} catch (error) {
  if (!(error instanceof ConnectError) || error.code !== 'client-certificate-required') throw error;
  console.log('the server took the certificate: without one it lets nobody in');
}
