import type { ProtocolVersion } from './types.ts';

/*
 * Where the three versions judge the same bytes differently. Everything not listed here is the same in all of them. A function each: a page
 * loads those it uses.
 */

/** Bits of PUBREL, SUBSCRIBE and UNSUBSCRIBE's first byte that must be 0010. 3.1 uses DUP there and ignores RETAIN. */
export function requestFlagsMask(version: ProtocolVersion): number {
  return version === 3 ? 0b0110 : 0b1111;
}

/** CONNECT's first byte must end in 0000 [MQTT311-2.2.2-2] [MQTT5-2.1.3-1]; 3.1 does not use those bits. */
export function hasConnectHeaderFlags(version: ProtocolVersion): boolean {
  return version !== 3;
}

/** The lowest Connect Flag must be 0 [MQTT311-3.1.2-3] [MQTT5-3.1.2-3]; 3.1 calls it unused. */
export function hasReservedConnectFlag(version: ProtocolVersion): boolean {
  return version !== 3;
}

/** Will QoS and Will Retain must be 0 without the Will Flag [MQTT311-3.1.2-13] [MQTT311-3.1.2-15]; 3.1 ignores them. */
export function willBitsNeedWill(version: ProtocolVersion): boolean {
  return version !== 3;
}

/** 3.1: the flags may announce a user name or password that the Remaining Length has no room for. */
export function credentialsMayBeMissing(version: ProtocolVersion): boolean {
  return version === 3;
}

/** 5.0 allows a password without a user name; 3.1.1 does not [MQTT311-3.1.2-22]. */
export function passwordNeedsUsername(version: ProtocolVersion): boolean {
  return version !== 5;
}

/** CONNACK's first byte: 3.1 reserves all of it and says nothing about its value. */
export function hasConnackFlags(version: ProtocolVersion): boolean {
  return version !== 3;
}

/** SUBACK's Return Codes. 3.1 has no failure. 5.0 has a table of its own. */
export function hasSubackFailure(version: ProtocolVersion): boolean {
  return version !== 3;
}

/** Whether packets carry Properties and acks a Reason Code. */
export function hasProperties(version: ProtocolVersion): boolean {
  return version === 5;
}
