import { ReasonCode } from '@hawser/codec';

/**
 * What ends a connection may end it before or after its CONNACK; not every Reason Code can be in both packets [MQTT5-3.2.2-8]
 * [MQTT5-3.14.2-1]. The nearest that can.
 */
export function carriedBy(allowed: readonly number[], reasonCode: number): number {
  if (allowed.includes(reasonCode)) return reasonCode;
  switch (reasonCode) {
    case ReasonCode.ServerShuttingDown:
      return ReasonCode.ServerUnavailable;
    case ReasonCode.ServerUnavailable:
      return ReasonCode.ServerBusy;
    case ReasonCode.BadUserNameOrPassword:
    case ReasonCode.ClientIdentifierNotValid:
    case ReasonCode.Banned:
      return ReasonCode.NotAuthorized;
    default:
      return ReasonCode.UnspecifiedError;
  }
}

/** The Return Code of 3.x for a Reason Code of 5.0. */
export function connackCode3(reasonCode: number): number {
  switch (reasonCode) {
    case ReasonCode.UnsupportedProtocolVersion:
      return 1;
    case ReasonCode.ClientIdentifierNotValid:
      return 2;
    case ReasonCode.BadUserNameOrPassword:
      return 4;
    case ReasonCode.NotAuthorized:
    case ReasonCode.Banned:
    case ReasonCode.BadAuthenticationMethod:
      return 5;
    default:
      return 3;
  }
}
