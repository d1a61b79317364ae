/** CONNECT's protocol level: 3 is MQTT 3.1 (`MQIsdp`), 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

/** Quality of Service: at most once, at least once, exactly once. */
export type QoS = 0 | 1 | 2;

/** Which way a packet travels. Some packets, flags and properties are legal one way only. */
export type Direction = 'to-server' | 'to-client';

/** Names and values with repeats and order kept [MQTT5-3.1.3-10] [MQTT5-3.3.2-18]. */
export type UserProperties = readonly (readonly [string, string])[];

/** The Control Packet type by its name: `PacketType.CONNECT`. */
export * as PacketType from './packet-type.ts';

/** The largest Remaining Length four bytes can carry (section 2.2.3 of 3.1.1, 1.5.5 of 5.0), in bytes. */
export const MAXIMUM_REMAINING_LENGTH = 268_435_455;

/** The largest packet there can be: one byte of type, four of length, and the Remaining Length. In bytes. */
export const MAXIMUM_PACKET_SIZE = 268_435_460;

const versionNames = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const;

/** The name people know a protocol version by: 3 is `3.1`, 4 is `3.1.1`, 5 is `5.0`. */
export function versionName(version: ProtocolVersion): string {
  return versionNames[version];
}
