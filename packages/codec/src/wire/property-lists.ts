import type { UserProperties } from '../types.ts';

/** Every property there is, as the member of an interface. Which are allowed where is the table's to say. */
export interface AllProperties {
  payloadFormatIndicator?: 0 | 1 | undefined;
  messageExpiryInterval?: number | undefined;
  contentType?: string | undefined;
  responseTopic?: string | undefined;
  correlationData?: Uint8Array | undefined;
  subscriptionIdentifier?: number | undefined;
  subscriptionIdentifiers?: readonly number[] | undefined;
  sessionExpiryInterval?: number | undefined;
  assignedClientIdentifier?: string | undefined;
  serverKeepAlive?: number | undefined;
  authenticationMethod?: string | undefined;
  authenticationData?: Uint8Array | undefined;
  requestProblemInformation?: boolean | undefined;
  willDelayInterval?: number | undefined;
  requestResponseInformation?: boolean | undefined;
  responseInformation?: string | undefined;
  serverReference?: string | undefined;
  reasonString?: string | undefined;
  receiveMaximum?: number | undefined;
  topicAliasMaximum?: number | undefined;
  topicAlias?: number | undefined;
  maximumQoS?: 0 | 1 | undefined;
  retainAvailable?: boolean | undefined;
  userProperties?: UserProperties | undefined;
  maximumPacketSize?: number | undefined;
  wildcardSubscriptionAvailable?: boolean | undefined;
  subscriptionIdentifierAvailable?: boolean | undefined;
  sharedSubscriptionAvailable?: boolean | undefined;
}

export type PropertyName = keyof AllProperties;

/** 5.0 properties a message carries, in a PUBLISH and in a Will. */
type MessageProperties = Pick<
  AllProperties,
  | 'payloadFormatIndicator'
  | 'messageExpiryInterval'
  | 'contentType'
  | 'responseTopic'
  | 'correlationData'
  | 'userProperties'
>;

/** Section 3.1.2.11. Intervals are seconds, sizes bytes. */
export interface ConnectProperties
  extends Pick<
    AllProperties,
    | 'sessionExpiryInterval'
    | 'receiveMaximum'
    | 'maximumPacketSize'
    | 'topicAliasMaximum'
    | 'requestResponseInformation'
    | 'requestProblemInformation'
    | 'userProperties'
    | 'authenticationMethod'
    | 'authenticationData'
  > {}

/** Section 3.1.3.2. Intervals are seconds. */
export interface WillProperties extends MessageProperties, Pick<AllProperties, 'willDelayInterval'> {}

/** Section 3.2.2.3. Intervals are seconds, sizes bytes. */
export interface ConnackProperties
  extends Pick<
    AllProperties,
    | 'sessionExpiryInterval'
    | 'receiveMaximum'
    | 'maximumQoS'
    | 'retainAvailable'
    | 'maximumPacketSize'
    | 'assignedClientIdentifier'
    | 'topicAliasMaximum'
    | 'reasonString'
    | 'userProperties'
    | 'wildcardSubscriptionAvailable'
    | 'subscriptionIdentifierAvailable'
    | 'sharedSubscriptionAvailable'
    | 'serverKeepAlive'
    | 'responseInformation'
    | 'serverReference'
    | 'authenticationMethod'
    | 'authenticationData'
  > {}

/** Section 3.3.2.3. Intervals are seconds. */
export interface PublishProperties
  extends MessageProperties,
    Pick<AllProperties, 'topicAlias' | 'subscriptionIdentifiers'> {}

/** PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK (section 3.4.2.2 and its like). */
export interface ReasonProperties extends Pick<AllProperties, 'reasonString' | 'userProperties'> {}

/** Section 3.8.2.1. */
export interface SubscribeProperties extends Pick<AllProperties, 'subscriptionIdentifier' | 'userProperties'> {}

/** UNSUBSCRIBE (section 3.10.2.1). */
export interface UserOnlyProperties extends Pick<AllProperties, 'userProperties'> {}

/** Section 3.14.2.2. The interval is seconds. */
export interface DisconnectProperties
  extends Pick<AllProperties, 'sessionExpiryInterval' | 'reasonString' | 'userProperties' | 'serverReference'> {}

/** Section 3.15.2.2. */
export interface AuthProperties
  extends Pick<AllProperties, 'authenticationMethod' | 'authenticationData' | 'reasonString' | 'userProperties'> {}

/** The interface of each list, by the type of its packet; 0 is the Will. */
export interface PropertiesOf {
  0: WillProperties;
  1: ConnectProperties;
  2: ConnackProperties;
  3: PublishProperties;
  4: ReasonProperties;
  5: ReasonProperties;
  6: ReasonProperties;
  7: ReasonProperties;
  8: SubscribeProperties;
  9: ReasonProperties;
  10: UserOnlyProperties;
  11: ReasonProperties;
  14: DisconnectProperties;
  15: AuthProperties;
}

/** Where a property list stands: the type of its packet; 0 is the Will in a CONNECT. */
export type PropertyContext = keyof PropertiesOf;
