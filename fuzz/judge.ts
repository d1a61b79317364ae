import {
  allowedReasonCodes,
  decodePacket,
  type Packet,
  PacketReader,
  PacketType,
  type ProtocolVersion,
  versionName,
} from '@hawser/codec';
import type { Seen } from './attacker.ts';
import type { FuzzCase } from './case.ts';

/** What became of a case: a word for the summary, and what was wrong with the broker's answer. */
export interface Verdict {
  readonly outcome: string;
  readonly faults: readonly string[];
}

const hex = (code: number): string => `0x${code.toString(16).toUpperCase().padStart(2, '0')}`;
/** A DISCONNECT with nothing but its Reason Code fits into this; a client that takes less is told nothing. */
const SMALLEST_FAREWELL = 5;

/** Holds what the broker has said against the specification. */
export function judge(fuzzCase: FuzzCase, seen: Seen): Verdict {
  if (fuzzCase.layer === 'raw') return { outcome: 'below MQTT', faults: [] };
  if (!seen.connected) return { outcome: 'not connected', faults: [] };
  if (fuzzCase.deaf) return { outcome: 'deaf', faults: [] };
  const faults: string[] = [];
  const sent = readSent(fuzzCase, seen.written);
  const answers = readAnswers(seen.bytes, sent.version, faults);
  const [first] = answers;
  const farewell = answers.at(-1);
  if (first !== undefined && first.type !== 'connack' && first.type !== 'auth')
    faults.push(`the first packet was ${first.type}, not CONNACK`);
  if (answers.filter(({ type }) => type === 'connack').length > 1) faults.push('more than one CONNACK');
  if (answers.slice(0, -1).some(({ type }) => type === 'disconnect')) faults.push('packets after DISCONNECT');
  const accepted = first?.type === 'connack' && first.reasonCode === 0;
  if (first?.type === 'connack' && !accepted) {
    const five = sent.version === 5 ? allowedReasonCodes.CONNACK : [];
    // Who is not understood may have a version that nobody speaks: the answer of 3.x is for those below 5.
    const allowed: readonly number[] = sent.version === 5 && sent.isUnderstood ? five : [...five, 1, 2, 3, 4, 5];
    if (!allowed.includes(first.reasonCode)) faults.push(`CONNACK ${hex(first.reasonCode)} is not allowed`);
    return { outcome: `CONNACK ${hex(first.reasonCode)}`, faults };
  }
  if (farewell?.type === 'disconnect') {
    const allowed: readonly number[] = allowedReasonCodes['DISCONNECT to-client'];
    if (sent.version !== 5) faults.push(`DISCONNECT to a client of ${versionName(sent.version)}`);
    if (!allowed.includes(farewell.reasonCode) || farewell.reasonCode < 0x80)
      faults.push(`DISCONNECT ${hex(farewell.reasonCode)} is not allowed`);
    return { outcome: `DISCONNECT ${hex(farewell.reasonCode)}`, faults };
  }
  if (!accepted) return { outcome: seen.closedByBroker ? 'closed before CONNACK' : 'no CONNECT', faults };
  if (!seen.closedByBroker) return { outcome: 'served', faults };
  const mayBeSilent = sent.version !== 5 || sent.hasDisconnect || sent.maximumPacketSize < SMALLEST_FAREWELL;
  if (!mayBeSilent) faults.push('closed without a DISCONNECT');
  return { outcome: sent.hasDisconnect ? 'left' : 'closed', faults };
}

interface Sent {
  readonly version: ProtocolVersion;
  /** There was a CONNECT without fault. */
  readonly isUnderstood: boolean;
  /** A DISCONNECT may have been understood. */
  readonly hasDisconnect: boolean;
  readonly maximumPacketSize: number;
}

/** What the case has said, as far as it can be understood. */
function readSent({ chunks, version }: FuzzCase, written: number): Sent {
  const reader = new PacketReader();
  let spoken = version;
  let isUnderstood = false;
  let hasDisconnect = false;
  let maximumPacketSize = Number.POSITIVE_INFINITY;
  for (const chunk of chunks.slice(0, written)) reader.push(chunk);
  try {
    while (reader.next()) {
      const type = reader.firstByte >> 4;
      if (type === PacketType.DISCONNECT) hasDisconnect = true;
      if (type !== PacketType.CONNECT) continue;
      const packet = decodePacket(reader, 5, 'to-server');
      if (packet.type !== 'connect') continue;
      isUnderstood = true;
      spoken = packet.protocolVersion;
      maximumPacketSize = packet.properties?.maximumPacketSize ?? maximumPacketSize;
    }
  } catch {
    // The rest is not for anybody to understand.
  }
  return { version: spoken, isUnderstood, hasDisconnect, maximumPacketSize };
}

/** All that the broker sent must be whole and right, but for a packet at the end that the network did not bring. */
function readAnswers(bytes: Uint8Array, version: ProtocolVersion, faults: string[]): Packet[] {
  const reader = new PacketReader();
  reader.push(bytes);
  const packets: Packet[] = [];
  try {
    while (reader.next()) {
      packets.push(decodePacket(reader, version, 'to-client'));
    }
  } catch (error) {
    // Who is not understood as 5.0 is answered as 3.x, and the other way round: the CONNACK has the version's own shape.
    if (packets.length > 0 || (bytes[0] ?? 0) !== 0x20)
      faults.push(`the broker sent what is not MQTT ${versionName(version)}: ${String(error)}`);
  }
  return packets;
}
