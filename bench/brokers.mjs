// Starts the brokers that are compared, each as a fresh process on a free port of the loopback address.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const startMs = 15_000;
const stopMs = 10_000;

/** Files of a run lie in the checkout, on the disk people have: /tmp may be memory, where a sync costs nothing. */
export const scratch = join(root, '.cache/bench');

export const hawserFile = join(root, 'packages/cli/bin/hawser.js');

/** Hawser as it is built in the checkout `place`. */
export function hawserAt(place, title = 'Hawser') {
  return {
    title,
    isThere: () => existsSync(join(place, 'packages/cli/dist/main.js')),
    version: () => execFileSync('git', ['-C', place, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).trim(),
    command: ({ port, folder, onDisk, overWebSocket, node = [], args = [] }) => [
      process.execPath,
      ...node,
      join(place, 'packages/cli/bin/hawser.js'),
      'broker',
      ...args,
      ...['--listen', overWebSocket ? `ws://127.0.0.1:${port}/mqtt` : `mqtt://127.0.0.1:${port}`],
      ...['--data', onDisk ? join(folder, 'data') : 'memory'],
      '--no-console',
      // Windows and queues are opened for both alike: what is measured is what gets through, not what is dropped.
      ...['limits.inflight3=65535', 'queue.messages=100000000', 'queue.bytes=60000000000'].flatMap((set) => [
        '--set',
        set,
      ]),
    ],
    isReady: (output) => /^ready$/m.test(output),
  };
}

export const brokers = {
  hawser: hawserAt(root),
  mosquitto: {
    title: 'Mosquitto',
    isThere: () => existsSync('/usr/sbin/mosquitto'),
    version: () => {
      try {
        return execFileSync('dpkg-query', ['--show', '--showformat=$' + '{Version}', 'mosquitto'], {
          encoding: 'utf8',
        });
      } catch {
        return 'unknown';
      }
    },
    command: ({ port, folder, onDisk, overWebSocket }) => {
      const file = join(folder, 'mosquitto.conf');
      const lines = [
        `listener ${port} 127.0.0.1`,
        // 2.0.11 ends when all its listeners are for WebSockets, so there is another, in the file system.
        ...(overWebSocket ? ['protocol websockets', `listener 0 ${folder}/plain.sock`] : []),
        'allow_anonymous true',
        'max_inflight_messages 0',
        'max_queued_messages 0',
        // Without it Nagle's algorithm adds milliseconds to every message: a comparison nobody would believe.
        'set_tcp_nodelay true',
        // As root it would change to another user, who cannot write here.
        'user root',
        ...(onDisk
          ? ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 1']
          : ['persistence false']),
      ];
      writeFileSync(file, `${lines.join('\n')}\n`);
      return ['/usr/sbin/mosquitto', '-c', file];
    },
  },
  aedes: {
    title: 'Aedes',
    isThere: () => existsSync(join(root, 'node_modules/aedes')),
    version: () => 'from npm',
    isWithoutWebSocket: true,
    command: ({ port }) => [process.execPath, join(root, 'bench/aedes.mjs'), String(port)],
  },
};

/**
 * Starts `broker` and waits until it takes connections. Throws with what it printed when it does not. Hawser alone takes `node`
 * (arguments before its file), `env`, and `prepare`, which writes what it needs and returns its arguments.
 */
export async function startBroker(broker, { onDisk = false, overWebSocket = false, node, env, prepare } = {}) {
  const port = await freePort();
  const folder = join(scratch, `broker-${port}`);
  mkdirSync(folder, { recursive: true });
  const [file, ...args] = broker.command({ port, folder, onDisk, overWebSocket, node, args: prepare?.(folder) });
  const child = spawn(file, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      output = (output + text).slice(-10_000);
    });
  }
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await ended;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  };

  const deadline = performance.now() + startMs;
  let isOver = false;
  const over = ended.then((how) => {
    isOver = true;
    return how;
  });
  while (!(broker.isReady ? broker.isReady(output) : await accepts(port))) {
    if (isOver || performance.now() > deadline) {
      const how = isOver ? await over : 'is not ready';
      await stop();
      throw new Error(`${broker.title} ${how}\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, pid: child.pid, stop, output: () => output };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
