import { describe, expect, it } from 'vitest';
import { createBroker } from './broker.ts';
import type { ListenerOptions } from './broker-options.ts';

describe('an option that there is not', () => {
  it.each(['authenticator', 'authentication', 'auth', 'authorise'])(
    'stops the start: %s would let everybody in',
    async (key) => {
      const options: object = { [key]: () => false };
      await expect(createBroker(options)).rejects.toThrow(
        `createBroker() has no option '${key}'; there are listeners,`,
      );
    },
  );

  it('stops the start for a listener, too', async () => {
    const listener: object = { url: 'mqtt://127.0.0.1:0', authentication: () => false };
    await expect(createBroker({ listeners: [listener as ListenerOptions] })).rejects.toThrow(
      "a listener has no option 'authentication'",
    );
  });

  it('has a hook that is a function, or none', async () => {
    const listener = { url: 'mqtt://127.0.0.1:0', authenticate: false as never };
    await expect(createBroker({ listeners: [listener] })).rejects.toThrow(
      'authenticate of a listener is false; it has to be a function',
    );
  });

  it('is none that is known, also where it is not set', async () => {
    const broker = await createBroker({ listeners: [], settings: {} });
    await broker.close();
  });
});
