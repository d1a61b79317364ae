// Mutual TLS: the server knows the client by its certificate.
//
//   node examples/mutual-tls.ts mqtts://localhost:8883 ca.pem client.pem client.key
import { connect } from '@hawser/client';

const [url = 'mqtts://localhost:8883', ca = 'ca.pem', cert = 'client.pem', key = 'client.key'] = process.argv.slice(2);

await using client = await connect(url, { tls: { ca, cert, key } });
console.log(`the server took the certificate; connected as ${client.clientId}`);
