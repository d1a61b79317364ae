import type { Negotiated, NegotiatedValue } from '@hawser/client';
import { versionName } from '@hawser/codec';
import { visible } from '@hawser/parameters/safe-text';

/** What was asked for, what the server said and what holds: one line for each parameter, the names of the specification. */
export function describeNegotiated(negotiated: Negotiated): string {
  const seconds = (value: number | undefined) =>
    value === 0xffff_ffff ? 'never' : value === undefined ? undefined : `${value} s`;
  const plain = (value: unknown) => (value === undefined ? undefined : visible(String(value)));
  const rows: (readonly [string, string, string, string])[] = [
    ['', 'requested', 'granted', 'effective'],
    row('Protocol Version', negotiated.protocolVersion, versionName),
    row('Client Identifier', negotiated.clientId, plain),
    row('Keep Alive', negotiated.keepAlive, seconds),
    row('Session Expiry Interval', negotiated.sessionExpiryInterval, seconds),
    row('Receive Maximum', negotiated.receiveMaximum, plain),
    row('Maximum QoS', negotiated.maximumQoS, plain),
    row('Retain Available', negotiated.retainAvailable, plain),
    row('Maximum Packet Size', negotiated.maximumPacketSize, plain),
    row('Topic Alias Maximum', negotiated.topicAliasMaximum, plain),
    row('Wildcard Subscription Available', negotiated.wildcardSubscriptionAvailable, plain),
    row('Subscription Identifiers Available', negotiated.subscriptionIdentifierAvailable, plain),
    row('Shared Subscription Available', negotiated.sharedSubscriptionAvailable, plain),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
  return [
    `connected, Clean Start ${flag(negotiated.cleanStart)}, Session Present ${flag(negotiated.sessionPresent)}`,
    ...lines,
    ...extras(negotiated),
  ].join('\n');
}

function row<T>(
  name: string,
  value: NegotiatedValue<T>,
  show: (value: NonNullable<T>) => string | undefined,
): readonly [string, string, string, string] {
  const cell = (part: T | undefined) => (part === undefined || part === null ? '-' : (show(part) ?? '-'));
  return [name, cell(value.requested), cell(value.granted), cell(value.effective)];
}

function extras({ responseInformation, serverReference, reasonString, userProperties }: Negotiated): string[] {
  const named = {
    'Response Information': responseInformation,
    'Server Reference': serverReference,
    'Reason String': reasonString,
  };
  return [
    ...Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`  ${name}: ${visible(value)}`])),
    ...userProperties.map(([name, value]) => `  User Property: ${visible(name)}=${visible(value)}`),
  ];
}

function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}
