import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrokerProcess, HAWSER, startBroker } from './support/broker-process.ts';
import { type Outcome, RunningProgram, run } from './support/processes.ts';

let broker: BrokerProcess;
let folder: string;
let lastTopic = 0;

beforeAll(async () => {
  broker = await startBroker();
  folder = await mkdtemp(join(tmpdir(), 'hawser-cli-'));
});

afterAll(async () => {
  await broker?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Runs `hawser` with these arguments; `$URL` stands for the broker's. */
function hawser(line: string | readonly string[], input?: string | Uint8Array): Promise<Outcome> {
  return run(process.execPath, [HAWSER, ...words(line)], { cwd: folder, ...(input === undefined ? {} : { input }) });
}

/** Starts `hawser sub` and waits until the broker has confirmed its subscriptions. */
async function subscribed(line: string | readonly string[]): Promise<RunningProgram> {
  const program = new RunningProgram(process.execPath, [HAWSER, 'sub', ...words(line), '-d'], { cwd: folder });
  await program.waitFor(/^hawser: subscribed$/m, 'stderr');
  return program;
}

function words(line: string | readonly string[]): string[] {
  const list = typeof line === 'string' ? line.split(' ') : line;
  return list.map((word) =>
    word.replace('$URL', broker.url).replace('$WS', broker.wsUrl).replace('$PORT', String(broker.port)),
  );
}

function newTopic(): string {
  lastTopic += 1;
  return `cli/${lastTopic}`;
}

describe('hawser: what is wrong is said in a line, with an exit code', () => {
  it.each([
    ['', 64, 'Usage: hawser'],
    ['brokr', 64, "there is no command 'brokr'; did you mean broker?"],
    ['broker --listn x', 64, 'unknown flag --listn; did you mean --listen?'],
    ['broker --data', 64, "option '-d, --data <dir>' argument missing"],
    ['broker stray', 64, "'stray' belongs to no flag"],
    ['broker --set limits.keepAliveMax', 64, '--set takes key=value, such as limits.keepAliveMax='],
    [
      'broker --set limits.keepAliveMx=3',
      1,
      "there is no setting 'limits.keepAliveMx'; did you mean limits.keepAliveMax?",
    ],
    ['broker --set limits.keepAliveMax=soon', 1, 'limits.keepAliveMax cannot be "soon": it takes 0 to 65535 s'],
    ['broker --listen http://127.0.0.1:1', 1, '"http" in "http://127.0.0.1:1" is not a scheme of a listener: use mqtt'],
    ['broker --listen mqtt://127.0.0.1:99999', 1, '"99999" in "mqtt://127.0.0.1:99999" is not a port'],
    ['broker --listen mqtt://127.0.0.1:$PORT --data memory', 1, 'is in use by another program'],
    ['broker --listen mqtt://192.0.2.1:0 --data memory', 1, '192.0.2.1 is not an address of this machine'],
    ['broker --config missing.yaml', 1, 'cannot read the configuration missing.yaml: there is no such file'],
    ['broker --config bad.yaml', 1, "bad.yaml:3: there is no key 'mesages' in queue; did you mean messages?"],
    ['pub -t a', 64, 'nothing to publish: give -m TEXT, -f FILE, -s (standard input), -l (its lines) or -n (empty)'],
    ['pub -m x', 64, '-t TOPIC is needed'],
    ['pub -t a -m x -n', 64, '-m and -n were given together'],
    ['pub -t a -m x --retian', 64, 'unknown flag --retian; did you mean --retain?'],
    ['pub -t a -m x -q 3', 64, '--qos: '],
    ['pub -t a -m x -k 70000', 64, '0 to 65,535, not 70,000; did you mean 70?'],
    ['pub -t a -m x -V 4 --content-type text', 64, '--content-type: only MQTT 5.0 has it'],
    ['pub -t a -m x -V 4 -x 5', 64, '--session-expiry-interval: only MQTT 5.0 has it'],
    ['pub -L $URL -t a/# -m x', 64, "'a/#' is no topic that can be published to"],
    ['pub -L mqtts://127.0.0.1:$PORT --ca bad.yaml -t a -m x', 64, '--ca: what is given has no certificate in it'],
    ['pub -L gopher://x -t a -m x', 64, 'gopher'],
    ['pub -t a -f missing', 1, '--file: cannot read missing: there is no such file'],
    ['pub -L mqtt://127.0.0.1:1 -t a -m x', 1, 'could not connect to mqtt://127.0.0.1:1 (tcp: refused)'],
    ['pub -L mqtt://no-such-host.invalid -t a -m x', 1, '(dns: '],
    ['pub -L mqtts://127.0.0.1:$PORT -t a -m x', 1, '(tls: not-tls-here)'],
    ['pub -L ws://127.0.0.1:$PORT/mqtt -t a -m x', 1, '(websocket: '],
    ['pub -L $URL -V 31 -i a-client-identifier-longer-than-23 -t a -m x', 1, '(connack: '],
    ['sub', 64, '-t TOPIC FILTER is needed'],
    ['sub -L $URL -t a/#/b', 64, "'a/#/b' is no Topic Filter"],
    ['sub -t a -C none', 64, "--count: takes a whole number, 1 or more, not 'none'"],
    [
      'sub -t a -F jsn',
      64,
      "--format takes text, raw, json, hex, base64 or a template such as '%t %p', not 'jsn'; did you mean json?",
    ],
    ['sub -t a --formt json', 64, 'unknown flag --formt; did you mean --format?'],
    ['sub -L $URL -t nothing/comes -W 0.2', 27, ''],
  ])('hawser %s: exit code %i', async (line, exitCode, text) => {
    await writeFile(join(folder, 'bad.yaml'), '# one\nqueue:\n  mesages: 5\n');
    const { code, stdout, stderr } = await hawser(line === '' ? [] : line);
    expect(stderr).toContain(text);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    // No stack traces: a line, and perhaps one with what to do.
    if (line !== '') expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3);
  });

  it('a data directory that another broker uses', async () => {
    const { code, stderr } = await hawser(['broker', '--listen', 'mqtt://127.0.0.1:0', '--data', broker.dataDirectory]);
    expect(stderr).toMatch(/^hawser: .*in use/);
    expect(code).toBe(1);
  });

  it('a server that is not MQTT', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const { code, stderr } = await hawser(`sub -h 127.0.0.1 -p ${port} -t a`);
    server.close();
    expect(stderr).toContain('(connack: not-mqtt)');
    expect(code).toBe(1);
  });

  it.each([
    ['pub -t a -m x', 1, 'stopped before everything was published'],
    ['sub -t a', 0, ''],
  ])('SIGINT while the server does not answer: hawser %s ends with exit code %i', async (line, exitCode, text) => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const server = createServer((socket) => socket.once('data', () => resolve()).on('error', () => {}));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    await using program = new RunningProgram(process.execPath, [HAWSER, ...words(line), '-h', '127.0.0.1', '-p', port]);
    await asked;
    expect(await program.end('SIGINT')).toBe(exitCode);
    expect(program.stderr).toBe(text === '' ? '' : `hawser: ${text}\n`);
    server.close();
  });

  it.each(['--help', 'broker --help', 'pub --help', 'sub --help', '--version'])(
    'hawser %s: exit code 0',
    async (line) => {
      const { code, stdout } = await hawser(line);
      expect(code).toBe(0);
      expect(stdout.length).toBeGreaterThan(4);
    },
  );
});

describe('hawser pub and hawser sub', () => {
  const bytes = new Uint8Array([0xff, 0x00, 0x0a, 0x41]);

  it.each([
    ['text', '-F text', 'héllo', 'héllo\n'],
    ['text with the topic', '-v', 'héllo', '$TOPIC héllo\n'],
    ['no line end', '-N', 'hi', 'hi'],
    ['hex', '-F hex', bytes, 'ff000a41\n'],
    ['base64', '-F base64', bytes, '/wAKQQ==\n'],
    ['a template', ['-F', '%t %q %r %l %x'], 'hi', '$TOPIC 1 0 2 6869\n'],
  ])('%s', async (_name, flags, payload, printed) => {
    const topic = newTopic();
    await using sub = await subscribed(['-L', '$URL', '-t', topic, '-q', '1', '-C', '1', ...words(flags)]);
    const pub = await hawser(['pub', '-L', '$URL', '-t', topic, '-q', '1', '-s'], payload);
    expect(pub).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await sub.exited).toBe(0);
    expect(sub.stdout).toBe(printed.replace('$TOPIC', topic));
  });

  it('bytes come as they were sent', async () => {
    const topic = newTopic();
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    await writeFile(join(folder, 'all-bytes'), all);
    await using sub = await subscribed(['-L', '$URL', '-t', topic, '-C', '1', '--json']);
    expect((await hawser(['pub', '-L', '$URL', '-t', topic, '-f', 'all-bytes'])).code).toBe(0);
    expect(await sub.exited).toBe(0);
    const { payload, encoding } = JSON.parse(sub.stdout) as Record<string, string>;
    expect({ encoding, payload }).toEqual({ encoding: 'base64', payload: Buffer.from(all).toString('base64') });
  });

  it.each([
    ['31', '$URL'],
    ['311', '$URL'],
    ['5', '$URL'],
    ['auto', '$URL'],
    ['mqttv311', '$WS'],
    ['mqttv5', '$WS'],
  ])('version %s at %s, QoS 0, 1, 2', async (version, url) => {
    const topic = newTopic();
    await using sub = await subscribed([
      '-L',
      url,
      '-V',
      version,
      '-t',
      `${topic}/+`,
      '-q',
      '2',
      '-C',
      '3',
      '-F',
      '%t %q %p',
    ]);
    for (const qos of ['0', '1', '2']) {
      const pub = await hawser([
        'pub',
        '-L',
        url,
        '-V',
        version,
        '-t',
        `${topic}/${qos}`,
        '-m',
        `at ${qos}`,
        '-q',
        qos,
      ]);
      expect(pub).toEqual({ code: 0, stdout: '', stderr: '' });
    }
    expect(await sub.exited).toBe(0);
    expect(sub.stdout).toBe(['0', '1', '2'].map((qos) => `${topic}/${qos} ${qos} at ${qos}\n`).join(''));
  });

  it('properties of 5.0 arrive, with flags of ours and of mosquitto_pub', async () => {
    const topic = newTopic();
    await using sub = await subscribed([
      '-L',
      '$URL',
      '-t',
      topic,
      '-C',
      '1',
      '--json',
      '--subscription-identifier',
      '7',
    ]);
    const pub = await hawser(
      [
        'pub',
        '-h',
        '127.0.0.1',
        '-p',
        '$PORT',
        '-t',
        topic,
        '-m',
        '{"t":21}',
        '--content-type',
        'application/json',
        '--response-topic',
        'answer/here',
        '--correlation-data',
        'c-1',
      ]
        .concat(['--message-expiry-interval', '600', '--payload-format-indicator', '1', '--user-property', 'unit=°C'])
        .concat(['-D', 'publish', 'user-property', 'unit', 'K']),
    );
    expect(pub).toMatchObject({ code: 0, stderr: '' });
    expect(await sub.exited).toBe(0);
    const message = JSON.parse(sub.stdout) as Record<string, unknown>;
    expect(message).toEqual({
      topic,
      payload: '{"t":21}',
      encoding: 'utf8',
      qos: 0,
      retain: false,
      dup: false,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      properties: {
        contentType: 'application/json',
        responseTopic: 'answer/here',
        correlationData: Buffer.from('c-1').toString('base64'),
        messageExpiryInterval: expect.toSatisfy((left: number) => left > 590 && left <= 600),
        payloadFormatIndicator: 1,
        userProperties: [
          ['unit', '°C'],
          ['unit', 'K'],
        ],
        subscriptionIdentifiers: [7],
      },
    });
  });

  it('lines of standard input become messages, in order', async () => {
    const topic = newTopic();
    const lines = Array.from({ length: 2000 }, (_, index) => `line ${index}`);
    await using sub = await subscribed(['-L', '$URL', '-t', topic, '-q', '1', '-C', '2000']);
    const pub = await hawser(['pub', '-L', '$URL', '-t', topic, '-q', '1', '-l'], `${lines.join('\r\n')}\n`);
    expect(pub).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await sub.exited).toBe(0);
    expect(sub.stdout).toBe(`${lines.join('\n')}\n`);
  });

  it('lines of a terminal: what was typed before SIGINT is published', async () => {
    const topic = newTopic();
    await using sub = await subscribed(['-L', '$URL', '-t', topic, '-q', '1', '-C', '1']);
    await using pub = new RunningProgram(process.execPath, [
      HAWSER,
      ...words(['pub', '-L', '$URL', '-t', topic, '-q', '1', '-l']),
    ]);
    pub.child.stdin?.write('typed\nbegun and not ended');
    expect([await sub.exited, sub.stdout]).toEqual([0, 'typed\n']);
    expect([await pub.end('SIGINT'), pub.stderr]).toEqual([0, '']);
  });

  it('retained: kept with -r, left out with -R, shown alone with --retained-only, removed with -n', async () => {
    const topic = newTopic();
    expect((await hawser(['pub', '-L', '$URL', '-t', topic, '-m', 'kept', '-r', '-q', '1'])).code).toBe(0);
    expect(await hawser(['sub', '-L', '$URL', '-t', topic, '-C', '1'])).toEqual({
      code: 0,
      stdout: 'kept\n',
      stderr: '',
    });

    await using without = await subscribed(['-L', '$URL', '-t', topic, '-C', '1', '-R']);
    await using only = await subscribed(['-L', '$URL', '-t', topic, '--retained-only']);
    await hawser(['pub', '-L', '$URL', '-t', topic, '-m', 'new', '-q', '1']);
    expect([await without.exited, without.stdout]).toEqual([0, 'new\n']);
    expect([await only.exited, only.stdout]).toEqual([0, 'kept\n']);

    expect((await hawser(['pub', '-L', '$URL', '-t', topic, '-n', '-r', '-q', '1'])).code).toBe(0);
    expect(await hawser(['sub', '-L', '$URL', '-t', topic, '-W', '0.3'])).toEqual({ code: 27, stdout: '', stderr: '' });
  });

  it.each(['311', '5'])('a session keeps messages, version %s: -E prepares it, -c goes on with it', async (version) => {
    const topic = newTopic();
    const session = [
      '-L',
      '$URL',
      '-V',
      version,
      '-i',
      `session-${topic}`,
      '-c',
      '-q',
      '1',
      ...(version === '5' ? ['-x', '600'] : []),
    ];
    expect(await hawser(['sub', ...session, '-t', topic, '-E'])).toEqual({ code: 0, stdout: '', stderr: '' });
    await hawser(['pub', '-L', '$URL', '-t', topic, '-q', '1', '-l'], 'one\ntwo\nthree\n');
    // What was not printed is not acknowledged, and comes again.
    expect((await hawser(['sub', ...session, '-C', '2'])).stdout).toBe('one\ntwo\n');
    expect((await hawser(['sub', ...session, '-C', '1'])).stdout).toBe('three\n');
    // Unsubscribed: nothing is kept any more.
    expect(await hawser(['sub', ...session, '-U', topic, '-E'])).toEqual({ code: 0, stdout: '', stderr: '' });
    await hawser(['pub', '-L', '$URL', '-t', topic, '-q', '1', '-m', 'gone']);
    expect(await hawser(['sub', ...session, '-W', '0.3'])).toEqual({ code: 27, stdout: '', stderr: '' });
  });

  it('a Will is published when the client is killed, and not when it ends', async () => {
    const topic = newTopic();
    const will = ['--will-topic', `${topic}/will`, '--will-payload', 'lost', '--will-qos', '1', '--will-retain'];
    await using watcher = await subscribed(['-L', '$URL', '-t', `${topic}/#`, '-q', '1', '-C', '1', '-v']);
    const quiet = await subscribed(['-L', '$URL', '-t', 'nothing', ...will]);
    expect(await quiet.end('SIGTERM')).toBe(0);
    const doomed = await subscribed(['-L', '$URL', '-t', 'nothing', ...will]);
    await doomed.end('SIGKILL');
    expect([await watcher.exited, watcher.stdout]).toEqual([0, `${topic}/will lost\n`]);
    expect((await hawser(['sub', '-L', '$URL', '-t', `${topic}/will`, '-C', '1'])).stdout).toBe('lost\n');
  });

  it('-v prints what was negotiated, on standard error', async () => {
    const { code, stdout, stderr } = await hawser('pub -L $URL -t a -m x -q 1 -k 30 -i negotiator -v');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^connected, Clean Start 1, Session Present 0$/m);
    expect(stderr).toMatch(/Keep Alive +30 s/);
    expect(stderr).toMatch(/Client Identifier +negotiator/);
  });

  it('warns of a session that nobody finds again, in flags', async () => {
    const { code, stderr } = await hawser('sub -L $URL -t a -c -x 0 -W 0.1');
    expect(code).toBe(27);
    expect(stderr).toContain('warning: --client-id: session without client id: a random one never finds it again');
    expect(stderr).toContain('warning: --session-expiry-interval: session without expiry');
  });

  it('-c without -x keeps the session for ever, as mosquitto_sub does', async () => {
    const topic = newTopic();
    expect(await hawser(['sub', '-L', '$URL', '-i', topic, '-c', '-t', topic, '-q', '1', '-E'])).toMatchObject({
      code: 0,
    });
    await hawser(['pub', '-L', '$URL', '-t', topic, '-m', 'kept', '-q', '1']);
    const { stdout, stderr } = await hawser(['sub', '-L', '$URL', '-i', topic, '-c', '-d', '-C', '1']);
    expect(stdout).toBe('kept\n');
    expect(stderr).toMatch(/Session Expiry Interval +never/);
    await hawser(['sub', '-L', '$URL', '-i', topic, '-t', topic, '-E']);
  });

  it('with --json what goes wrong is JSON too, with its code', async () => {
    const wrong = await hawser('sub --json -t a --colour red');
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'usage' }, exitCode: 64 });
    const refused = await hawser('sub --json -t a -L mqtt://127.0.0.1:1');
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'refused' }, exitCode: 1 });
  });

  it("knows other programs' names for its commands", async () => {
    expect((await hawser('publish -t a -m x')).stderr).toContain("there is no command 'publish'; did you mean pub?");
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const topic = newTopic();
    await hawser(['pub', '-L', '$URL', '-t', topic, '-m', 'x', '-r', '-q', '1']);
    const command = [process.execPath, HAWSER, 'sub', '-L', broker.url, '-t', topic, '-t', `${topic}/#`]
      .map((word) => `'${word}'`)
      .join(' ');
    await using pipeline = new RunningProgram('bash', ['-c', `${command} | head -n 1; echo "\${PIPESTATUS[0]}"`]);
    await pipeline.waitFor(/^x$/m);
    // The next line finds the pipe closed.
    for (const attempt of [1, 2, 3])
      await hawser(['pub', '-L', '$URL', '-t', topic, '-m', `after ${attempt}`, '-q', '1']);
    expect(await pipeline.exited).toBe(0);
    expect([pipeline.stdout, pipeline.stderr]).toEqual(['x\n0\n', '']);
  });

  it('connects again when the broker comes back, and goes on with its subscriptions', async () => {
    await using other = await startBroker();
    const topic = newTopic();
    await using sub = await subscribed([
      '-L',
      other.url,
      '-t',
      topic,
      '-q',
      '1',
      '-C',
      '1',
      '--reconnect-delay',
      '0.1',
    ]);
    await other.kill();
    await sub.waitFor(/connection lost/, 'stderr');
    await other.restart();
    await sub.waitFor(/connected again/, 'stderr');
    await hawser(['pub', '-L', other.url, '-t', topic, '-m', 'back', '-q', '1', '-r']);
    expect([await sub.exited, sub.stdout]).toEqual([0, 'back\n']);
  });
});
