import type { ProtocolVersion } from './types.ts';

/** Where the three versions judge the same bytes differently. Everything not listed here is the same in all of them. */
export interface Strictness {
  /** Bits of PUBREL, SUBSCRIBE and UNSUBSCRIBE's first byte that must be 0010. 3.1 uses DUP there and ignores RETAIN. */
  readonly requestFlagsMask: number;
  /** CONNECT's first byte must end in 0000 [MQTT311-2.2.2-2] [MQTT5-2.1.3-1]; 3.1 does not use those bits. */
  readonly connectHeaderFlags: boolean;
  /** The lowest Connect Flag must be 0 [MQTT311-3.1.2-3] [MQTT5-3.1.2-3]; 3.1 calls it unused. */
  readonly reservedConnectFlag: boolean;
  /** Will QoS and Will Retain must be 0 without the Will Flag [MQTT311-3.1.2-13] [MQTT311-3.1.2-15]; 3.1 ignores them. */
  readonly willBitsNeedWill: boolean;
  /** 3.1: the flags may announce a user name or password that the Remaining Length has no room for. */
  readonly credentialsMayBeMissing: boolean;
  /** 5.0 allows a password without a user name; 3.1.1 does not [MQTT311-3.1.2-22]. */
  readonly passwordNeedsUsername: boolean;
  /** CONNACK's first byte: 3.1 reserves all of it and says nothing about its value. */
  readonly connackFlags: boolean;
  /** SUBACK's Return Codes. 3.1 has no failure. 5.0 has a table of its own. */
  readonly subackFailure: boolean;
  /** Whether packets carry Properties and acks a Reason Code. */
  readonly properties: boolean;
}

function strictness(version: ProtocolVersion): Strictness {
  const later = version !== 3;
  const is5 = version === 5;
  return {
    requestFlagsMask: later ? 0b1111 : 0b0110,
    connectHeaderFlags: later,
    reservedConnectFlag: later,
    willBitsNeedWill: later,
    credentialsMayBeMissing: !later,
    passwordNeedsUsername: !is5,
    connackFlags: later,
    subackFailure: later,
    properties: is5,
  };
}

const tables = { 3: strictness(3), 4: strictness(4), 5: strictness(5) };

/** The table of a version. */
export function strictnessOf(version: ProtocolVersion): Strictness {
  return tables[version];
}
