import { type Broker, createBroker } from '@hawser/broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningProgram } from './support/processes.ts';

// Whole programs with the client: what they lose, what keeps them from ending, what ends them, and what they print.

let broker: Broker;
let mqtt = '';
let ws = '';

beforeAll(async () => {
  broker = await createBroker({ listeners: ['mqtt://127.0.0.1:0', 'ws://127.0.0.1:0'] });
  [mqtt = '', ws = ''] = broker.urls;
});
afterAll(() => broker.close());

/** A program: `connect` is there, and the addresses. */
function start(code: string, ...flags: string[]): RunningProgram {
  const begin = `import { connect } from '@hawser/client'; const [mqtt, ws] = ${JSON.stringify([mqtt, ws])};`;
  return new RunningProgram(process.execPath, [...flags, '--input-type=module', '-e', `${begin}\n${code}`]);
}

describe('a program that publishes at QoS 0', () => {
  it.each([
    ['waits', "for (let i = 0; i < 2000; i++) await client.publish('exit/waits', String(i));"],
    ['does not wait', "for (let i = 0; i < 2000; i++) client.publish('exit/does not wait', String(i));"],
  ])('and %s loses nothing by process.exit() after disconnect()', async (how, loop) => {
    let count = 0;
    const stop = broker.subscribe(`exit/${how}`, () => {
      count++;
    });
    const program = start(`const client = await connect(mqtt); ${loop} await client.disconnect(); process.exit(3);`);
    expect([await program.exited, program.stderr]).toEqual([3, '']);
    // The broker may not have read all when the program has gone.
    await expect.poll(() => count).toBe(2000);
    stop();
  });

  it('in a loop leaves timers and signals their turn, and the memory as it is', async () => {
    const program = start(`
      const client = await connect(mqtt);
      let isOver = false;
      setTimeout(() => console.log('timer'), 1);
      process.once('SIGINT', () => { isOver = true; });
      while (!isOver) await client.publish('a', 'x'.repeat(1000));
      await client.disconnect();
      console.log(process.memoryUsage().rss < 400e6 ? 'small' : 'large');`);
    await program.waitFor(/timer/);
    program.child.kill('SIGINT');
    expect(await program.exited).toBe(0);
    expect(program.stdout).toMatch(/small/);
  });
});

describe('a program that does not wait for its calls', () => {
  it.each([
    "client.unsubscribe('a')",
    "client.subscribe('a')",
    "client.request('a', '', { timeout: 0.1 })",
    "client.publish('a', '', { qos: 2 })",
    "client.messages('a').next()",
  ])('%s; await client.disconnect(): ends as it should', async (call) => {
    const program = start(`const client = await connect(mqtt); ${call}; await client.disconnect({ drain: 1 });`);
    expect([await program.exited, program.stderr]).toEqual([0, '']);
  });
});

describe('an error that nothing listens to', () => {
  it.each([
    ["client.on('message', () => { throw new Error('mine'); });", 'Error: mine'],
    ["client.on('message', async () => { throw new Error('mine'); });", 'Error: mine'],
    ["client.onMessage(async function handler() { throw new Error('mine'); });", 'at handler'],
  ])('%s ends the program, and is printed with its stack', async (listen, words) => {
    const program = start(`
      const client = await connect(mqtt);
      ${listen}
      await client.subscribe('unheard');
      await client.publish('unheard');
      setInterval(() => {}, 1000);`);
    expect(await program.exited).toBe(1);
    expect(program.stderr).toContain(words);
    expect(program.stderr).toMatch(/at .*eval/);
  });
});

describe('ws in an application that webpack has bundled', () => {
  it('sends frames of every size, though an empty module stands for bufferutil', async () => {
    const hooks = `
      import { registerHooks } from 'node:module';
      registerHooks({
        resolve: (name, context, next) => (name === 'bufferutil' ? { url: 'empty:bufferutil', format: 'commonjs', shortCircuit: true } : next(name, context)),
        load: (url, context, next) => (url === 'empty:bufferutil' ? { format: 'commonjs', source: '', shortCircuit: true } : next(url, context)),
      });`;
    const program = start(
      `const client = await connect(ws);
      const messages = client.messages('a');
      await client.subscribe('ready');
      for (const size of [1, 200, 70000]) {
        await client.publish('a', 'x'.repeat(size), { qos: 1 });
        console.log((await messages.next()).value.payload.length);
      }
      await client.disconnect();
      console.log(process.env.WS_NO_BUFFER_UTIL);`,
      '--import',
      `data:text/javascript,${encodeURIComponent(hooks)}`,
    );
    expect([await program.exited, program.stderr]).toEqual([0, '']);
    expect(program.stdout.trim().split('\n')).toEqual(['1', '200', '70000', 'undefined']);
  });
});
