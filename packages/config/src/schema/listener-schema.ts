import { ListenUrlError, parseListenUrl } from '@hawser/transport';
import { z } from 'zod';
import { authenticationSchema } from './authentication-schema.ts';
import { authorizationSchema } from './authorization-schema.ts';
import { addressesSchema, secretSchema, textsSchema } from './common.ts';

export const certificateShape = {
  cert: z.string().min(1).describe('PEM file of the certificate, followed by those that lead to the CA.'),
  key: z.string().min(1).describe('PEM file of the key.'),
  passphrase: secretSchema.optional().describe('Opens the key.'),
};

export const protocolShape = {
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('The oldest TLS version that is taken.'),
  ciphers: z.string().min(1).optional().describe('Ciphers, in the notation of OpenSSL.'),
};

export const tlsSchema = z.strictObject({
  ...certificateShape,
  certificates: z
    .array(z.strictObject(certificateShape))
    .optional()
    .describe('More certificates, chosen by the name a client asks for (SNI).'),
  ca: textsSchema.optional().describe('PEM files of the CAs that issue certificates of clients.'),
  crl: textsSchema.optional().describe('PEM files of the certificates that were revoked.'),
  verify: z
    .enum(['none', 'optional', 'required'])
    .optional()
    .describe('Whether clients must show a certificate: required when there is a ca, none without.'),
  ...protocolShape,
});

export type TlsConfig = z.infer<typeof tlsSchema>;

export const listenerSchema = z
  .strictObject({
    url: z
      .string()
      .superRefine((url, context) => {
        try {
          parseListenUrl(url);
        } catch (error) {
          if (!(error instanceof ListenUrlError)) throw error;
          context.addIssue({ code: 'custom', message: error.message });
        }
      })
      .describe('Where it listens: mqtt://127.0.0.1:1883, mqtts://…, ws://…/mqtt, wss://…/mqtt.'),
    versions: z
      .array(z.union([z.literal(3), z.literal(4), z.literal(5)], { error: 'takes 3 (3.1), 4 (3.1.1) and 5 (5.0)' }))
      .min(1)
      .optional()
      .describe('Protocol versions that are taken: 3 (3.1), 4 (3.1.1), 5 (5.0); all when it is absent.'),
    tls: tlsSchema.optional().describe('Certificate and key of this listener; absent: those of the key `tls`.'),
    clientIds: z
      .enum(['takeover', 'same-principal'])
      .default('takeover')
      .describe('Who may connect with a Client Identifier that has a session: whoever comes, or only its user.'),
    proxyProtocol: addressesSchema
      .optional()
      .describe(
        'Addresses of balancers that say with PROXY protocol v1 or v2 whom they connect; all others are refused.',
      ),
    forwardedFrom: addressesSchema
      .optional()
      .describe(
        'For ws and wss: addresses of HTTP proxies whose X-Forwarded-For says whom they connect; everybody else’s is passed over.',
      ),
    authentication: authenticationSchema
      .optional()
      .describe('Who may connect here, in place of the key `authentication`.'),
    authorization: authorizationSchema
      .optional()
      .describe('Who may publish and subscribe what of those who came in here, in place of the key `authorization`.'),
  })
  .refine(({ url, forwardedFrom }) => forwardedFrom === undefined || /^wss?:/i.test(url), {
    path: ['forwardedFrom'],
    error:
      'is for ws and wss, where there is HTTP; balancers in front of mqtt and mqtts speak the PROXY protocol: proxyProtocol',
  });

export type ListenerConfig = z.infer<typeof listenerSchema>;
