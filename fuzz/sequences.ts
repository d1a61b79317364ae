import { encodePacket, type Packet, type ProtocolVersion } from '@hawser/codec';
import type { Random } from '@hawser/transport';
import * as fc from 'fast-check';
import { anyPacket, connectPacket } from '../packages/codec/src/testing/arbitraries.ts';

const LONGEST = 12;

/** Valid packets of one client in a valid order: a CONNECT that is let in, then anything but another CONNECT. */
export function validSequence(random: Random, version: ProtocolVersion): Uint8Array[] {
  const seed = random.integer(0, 2 ** 31 - 1);
  const [connect] = fc.sample(connectPacket(version), { seed, numRuns: 1 });
  const following = fc.sample(anyPacket(version, 'to-server'), {
    seed: seed ^ 0x5bd1,
    numRuns: random.integer(1, LONGEST),
  });
  const packets: Packet[] = following.filter(
    (packet) => packet.type !== 'connect' && (packet.type !== 'auth' || random.chance(0.1)),
  );
  if (connect !== undefined)
    packets.unshift({ ...connect, clientId: clientId(random, version), ...withoutMethod(connect) });
  return packets.map((packet) => encodePacket(packet, version));
}

/** A plain CONNECT. */
export function plainConnect(
  random: Random,
  version: ProtocolVersion,
  properties?: Record<string, number>,
): Uint8Array {
  return encodePacket(
    {
      type: 'connect',
      protocolVersion: version,
      cleanStart: random.chance(0.7),
      keepAlive: random.integer(0, 60),
      clientId: clientId(random, version),
      username: undefined,
      password: undefined,
      will: undefined,
      properties: version === 5 ? properties : undefined,
      bridge: false,
    },
    version,
  );
}

/** Few enough that sessions are taken over and resumed. */
function clientId(random: Random, version: ProtocolVersion): string {
  return random.chance(0.1) && version === 5 ? '' : `fuzz-${random.integer(0, 400)}`;
}

/** Nobody here knows any authentication method: mostly it stays away, so that the CONNECT is let in. */
function withoutMethod(connect: Packet & { readonly type: 'connect' }): Partial<typeof connect> {
  if (connect.properties === undefined) return {};
  const { authenticationMethod, authenticationData, ...properties } = connect.properties;
  void authenticationMethod;
  void authenticationData;
  return { properties };
}
