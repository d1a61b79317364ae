/*
 * The Return Codes of a 3.1 and 3.1.1 CONNACK (section 3.2.2.3), used as `ConnackReturnCode.Accepted` by way of `export * as`.
 */
export const Accepted = 0;
export const UnacceptableProtocolVersion = 1;
export const IdentifierRejected = 2;
export const ServerUnavailable = 3;
export const BadUserNameOrPassword = 4;
export const NotAuthorized = 5;
