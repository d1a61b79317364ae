/** The Return Codes of a 3.x CONNACK by their names: `ConnackReturnCode.Accepted`. */
export * as ConnackReturnCode from './connack-return-code.ts';
/** Every Reason Code of MQTT 5.0 by its name: `ReasonCode.ServerBusy`. */
export * as ReasonCode from './reason-code.ts';

import * as ConnackReturnCode from './connack-return-code.ts';
import * as PacketType from './packet-type.ts';
import * as ReasonCode from './reason-code.ts';
import type { Direction } from './types.ts';

/**
 * Table 2.6, one row a code: its number where it is not the next one, the types of the packets that may carry it, its name. To the client
 * DISCONNECT is E and AUTH is F; to the server they are e and f. DISCONNECT 0x8C stands in section 2.4 only.
 */
const table = `0 245679beEF success
9 granted-qos-1
9 granted-qos-2
4 e disconnect-with-will-message
16 45 no-matching-subscribers
b no-subscription-existed
24 fF continue-authentication
f re-authenticate
128 2459beE unspecified-error
2eE malformed-packet
2eE protocol-error
2459beE implementation-specific-error
2 unsupported-protocol-version
2 client-identifier-not-valid
2 bad-user-name-or-password
2459bE not-authorized
2 server-unavailable
2E server-busy
2 banned
E server-shutting-down
2E bad-authentication-method
E keep-alive-timeout
E session-taken-over
9bE topic-filter-invalid
245eE topic-name-invalid
459b packet-identifier-in-use
67 packet-identifier-not-found
eE receive-maximum-exceeded
eE topic-alias-invalid
2eE packet-too-large
eE message-rate-too-high
2459eE quota-exceeded
eE administrative-action
245eE payload-format-invalid
2E retain-not-supported
2E qos-not-supported
2E use-another-server
2E server-moved
9E shared-subscriptions-not-supported
2E connection-rate-exceeded
E maximum-connect-time
9E subscription-identifiers-not-supported
9E wildcard-subscriptions-not-supported`;

interface Row {
  readonly code: number;
  readonly packets: string;
  readonly name: string;
}

const rows: readonly Row[] = readTable();

function readTable(): Row[] {
  let next = 0;
  return table.split('\n').map((line) => {
    const [name = '', packets = '', code = next] = line.split(' ').reverse();
    next = Number(code) + 1;
    return { code: Number(code), packets, name };
  });
}

type NameIn<Line extends string> = Line extends `${string} ${infer Rest}` ? NameIn<Rest> : Line;
type NamesIn<Table extends string, Names = never> = Table extends `${infer Line}\n${infer Rest}`
  ? NamesIn<Rest, Names | NameIn<Line>>
  : Names | NameIn<Table>;

/** The names of the specification's Reason Codes, in kebab case. */
export type ReasonCodeName = NamesIn<typeof table>;

/** The specification's name of a 5.0 Reason Code in kebab case, `success` for 0, `reason-0xNN` for one it does not know. */
export function reasonCodeName(code: number): ReasonCodeName | `reason-${string}` {
  const name = rows.find((row) => row.code === code)?.name;
  return name === undefined ? `reason-${hex(code)}` : (name as ReasonCodeName);
}

/** The name of a 3.x CONNACK Return Code, in the words of the 5.0 Reason Code that means the same. */
export function returnCodeName(code: number): string {
  const same = [0, 0x84, 0x85, 0x88, 0x86, 0x87][code];
  return same === undefined ? `return-code-${hex(code)}` : reasonCodeName(same);
}

/**
 * The 3.x CONNACK Return Code that comes closest to a 5.0 Reason Code. Codes below 6 are Return Codes already and
 * come back as they are; what 3.x has no word for is 3, server unavailable: the client may try again.
 */
export function toReturnCode(reasonCode: number): number {
  if (reasonCode < 6) return reasonCode;
  switch (reasonCode) {
    case ReasonCode.UnsupportedProtocolVersion:
      return ConnackReturnCode.UnacceptableProtocolVersion;
    case ReasonCode.ClientIdentifierNotValid:
      return ConnackReturnCode.IdentifierRejected;
    case ReasonCode.BadUserNameOrPassword:
      return ConnackReturnCode.BadUserNameOrPassword;
    case ReasonCode.NotAuthorized:
    case ReasonCode.Banned:
    case ReasonCode.BadAuthenticationMethod:
      return ConnackReturnCode.NotAuthorized;
    default:
      return ConnackReturnCode.ServerUnavailable;
  }
}

/** A byte as the specification writes it: `0x8F`. */
export function hex(value: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** By packet type; of DISCONNECT and AUTH to the client two places further. */
const allowed: readonly (readonly number[])[] = Array.from('0123456789abcdefEF', (type) =>
  rows.filter(({ packets }) => packets.includes(type)).map(({ code }) => code),
);

/**
 * Which Reason Codes a packet may carry, by direction where the specification makes a difference (the tables of
 * sections 3.2.2.2, 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1, 3.15.2.1).
 */
export function reasonCodesOf(packet: number, direction: Direction): readonly number[] {
  return allowed[direction === 'to-client' && packet >= PacketType.DISCONNECT ? packet + 2 : packet] ?? [];
}

/** The same where the direction is not known. */
export function reasonCodesOfBoth(packet: number): readonly number[] {
  return [...new Set([...reasonCodesOf(packet, 'to-server'), ...reasonCodesOf(packet, 'to-client')])];
}
