import type { ProtocolVersion } from '@hawser/codec';
import { Random } from '@hawser/transport';
import type { FuzzCase, Via } from './case.ts';
import { FLOODS } from './floods.ts';
import { cut, MUTATIONS } from './mutations.ts';
import { validSequence } from './sequences.ts';
import { cutAnywhere, hostileFrames, upgradeRequest } from './websocket.ts';

/** The case with this number of this seed: always the same one. `corpus`: cases that may be mutated further. */
export function makeCase(seed: number, number: number, corpus: readonly FuzzCase[]): FuzzCase {
  const random = new Random((Math.imul(seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca6b)) >>> 0);
  const version: ProtocolVersion = random.pick([3, 4, 5, 5] as const);
  const via: Via = random.pick(['tcp', 'tcp', 'tcp', 'tcp', 'ws', 'ws', 'tls', 'wss'] as const);
  const deaf = random.chance(0.08);
  const kind = random.integer(0, 99);
  if (kind < 12) {
    const name = random.pick(Object.keys(FLOODS));
    const packets = FLOODS[name]?.(random, version) ?? [];
    return {
      name: `flood ${name}`,
      via,
      version: name === 'aliases' || name === 'userProperties' ? 5 : version,
      chunks: packets,
      layer: 'mqtt',
      deaf: random.chance(0.3),
    };
  }
  if (kind < 16 && (via === 'tls' || via === 'wss')) return tlsGarbage(random, version, via);
  const seedCase = kind < 30 ? random.pick([undefined, ...corpus.filter(({ layer }) => layer === 'mqtt')]) : undefined;
  const packets = seedCase?.chunks.map((chunk) => chunk.slice()) ?? validSequence(random, version);
  const names: string[] = [];
  for (let n = random.pick([1, 1, 1, 2, 3]); n > 0 && packets.length > 0; n--) {
    const name = random.pick(Object.keys(MUTATIONS));
    MUTATIONS[name]?.(packets, random);
    names.push(name);
  }
  const { how, chunks } = cut(packets, random);
  const name = `${seedCase === undefined ? '' : `${seedCase.name}: `}${names.join(', ')}; ${how}`;
  if (via === 'ws' && random.chance(0.6)) {
    const upgrade = random.chance(0.9)
      ? upgradeRequest()
      : upgradeRequest(
          random.pick(['/', '/mqtt', '/x'.repeat(3000)]),
          random.pick(['', 'mqtt', 'amqp', 'x'.repeat(9000)]),
        );
    return {
      name: `frames, ${name}`,
      via,
      version,
      chunks: cutAnywhere([upgrade, ...hostileFrames(chunks, random)], random),
      layer: 'raw',
      deaf,
    };
  }
  return { name, via, version: seedCase?.version ?? version, chunks, layer: 'mqtt', deaf };
}

const CLIENT_HELLO = '16030100a5010000a10303';

function tlsGarbage(random: Random, version: ProtocolVersion, via: Via): FuzzCase {
  const noise = (length: number) => Uint8Array.from({ length }, () => random.integer(0, 255));
  const head = random.pick([
    Buffer.from(CLIENT_HELLO, 'hex'),
    Buffer.from('1603010400', 'hex'),
    Buffer.alloc(0),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x10, 0x0c, 0, 4]),
  ]);
  const chunks = [new Uint8Array(head), noise(random.integer(0, 2000))].filter(({ length }) => length > 0);
  return { name: 'TLS garbage', via, version, chunks, layer: 'raw', deaf: false };
}
