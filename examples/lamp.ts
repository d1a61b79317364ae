// A smart lamp and its remote control: typed topics, retained state, a Will that says when the lamp is gone.
//
//   npx node examples/lamp.ts [mqtt://localhost:1883]
import { type Client, connect, type StandardSchema, topic } from '@hawser/client';

interface Light {
  readonly on: boolean;
  /** 0 to 100. */
  readonly brightness: number;
}

// Any Standard Schema does: zod, valibot, arktype; this one is by hand.
const light: StandardSchema<Light> = {
  '~standard': {
    version: 1,
    vendor: 'example',
    validate(value) {
      const { on, brightness } = (value ?? {}) as Partial<Light>;
      if (typeof on !== 'boolean') return { issues: [{ message: 'must be true or false', path: ['on'] }] };
      if (typeof brightness !== 'number' || brightness < 0 || brightness > 100) {
        return { issues: [{ message: 'must be 0 to 100', path: ['brightness'] }] };
      }
      return { value: { on, brightness } };
    },
  },
};

const command = topic('lamps/{id}/set', light);
const state = topic('lamps/{id}/state', light);

async function runLamp(url: string, id: string): Promise<Client> {
  const lamp = await connect(url, { will: { topic: `lamps/${id}/online`, payload: 'false', retain: true, qos: 1 } });
  lamp.on('error', (error) => console.log(`the lamp does not understand: ${error.message}`));
  await lamp.publish(`lamps/${id}/online`, 'true', { retain: true, qos: 1 });
  await command.subscribe(
    lamp,
    async ({ value, parameters }) => {
      if (parameters.id !== id) return;
      console.log(`the lamp is ${value.on ? `on at ${value.brightness} %` : 'off'}`);
      await state.publish(lamp, { id }, value, { retain: true, qos: 1 });
    },
    { qos: 1 },
  );
  return lamp;
}

const url = process.argv[2] ?? 'mqtt://localhost:1883';
const lamp = await runLamp(url, 'kitchen');

await using remote = await connect(url);
const states = state.messages(remote, { qos: 1, retainHandling: 2 });
await remote.publish('lamps/kitchen/set', '{"on": "maybe"}', { qos: 1 });
await command.publish(remote, { id: 'kitchen' }, { on: true, brightness: 80 }, { qos: 1 });
for await (const { value, parameters } of states) {
  console.log(`the remote control shows: ${parameters.id} at ${value.brightness} %`);
  break;
}

await remote.publish('lamps/kitchen/state', '', { retain: true });
await lamp.publish('lamps/kitchen/online', '', { retain: true });
await lamp.disconnect();
