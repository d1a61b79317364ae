// A broker with policies, for the statements that need somebody who decides: its own process, as `hawser broker` is.
//
// User `user` with password `secret`, or nobody; the authentication method TEST, which asks one question and wants
// `answer`, with `wrong` as data it refuses, with `at once` it allows. Topics with /denied/ in them are nobody's.
import { ALLOW_CONNECT, BAD_CREDENTIALS, createBroker } from '@hawser/broker';

const text = (bytes) => new TextDecoder().decode(bytes);
const bytes = (words) => new TextEncoder().encode(words);
const denied = { kind: 'deny', reasonCode: 0x87, reason: 'the answer is wrong' };

function authenticateWithMethod({ authenticationMethod, authenticationData, again }) {
  if (authenticationMethod !== 'TEST') return { kind: 'deny', reasonCode: 0x8c, reason: 'only TEST is known here' };
  const said = text(authenticationData ?? bytes(''));
  if (said === 'at once') return { kind: 'allow', authenticationData: bytes('welcome') };
  if (said === 'wrong') return denied;
  return {
    kind: 'continue',
    authenticationData: bytes(again ? 'who now?' : 'who?'),
    next: async (data) =>
      text(data ?? bytes('')) === 'answer' ? { kind: 'allow', authenticationData: bytes('welcome') } : denied,
  };
}

const broker = await createBroker({
  listeners: ['mqtt://127.0.0.1:0', 'ws://127.0.0.1:0/mqtt'],
  authenticate(request) {
    if (request.authenticationMethod !== undefined) return authenticateWithMethod(request);
    const { username } = request.client;
    if (username === undefined) return ALLOW_CONNECT;
    return username === 'user' && text(request.password ?? bytes('')) === 'secret' ? ALLOW_CONNECT : BAD_CREDENTIALS;
  },
  authorize: ({ topic }) => {
    if (!topic.includes('/denied/')) return 'allow';
    return topic.includes('/slowly/') ? new Promise((resolve) => setImmediate(resolve, 'deny')) : 'deny';
  },
});
process.stdout.write(`${broker.urls.join('\n')}\nready\n`);
process.once('SIGTERM', () => broker.close());
