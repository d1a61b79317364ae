import {
  encodeUtf8,
  isValidTopicName,
  type ProtocolVersion,
  type PublishProperties,
  propertyNamesOf,
  type QoS,
} from '@hawser/codec';
import { bytesIn, show } from '@hawser/parameters';
import { checkOptions, pairsOf } from './check-options.ts';
import { UsageError } from './errors.ts';
import type { MessageProperties, Payload, PublishOptions, UserPropertiesOption } from './options.ts';
import type { OutgoingContent } from './session/outgoing.ts';
import { bytesOf } from './settings.ts';

/** What `publish` has without options. */
export const NO_OPTIONS: PublishOptions = {};
/** Topics that are not checked and encoded again when they are published to once more. */
const MOST_TOPICS = 256;

/** Makes a message of what `publish` was given. Throws UsageError. */
type Composer = (topic: string, payload: Payload, options: PublishOptions, version: ProtocolVersion) => OutgoingContent;

/** `now`: on the client's clock. */
export function composerOf(now: () => number): Composer {
  const topics = new Map<string, OutgoingContent['topic']>();

  const topicOf = (name: string): OutgoingContent['topic'] => {
    const known = topics.get(name);
    if (known) return known;
    if (typeof name !== 'string' || !isValidTopicName(name))
      throw new UsageError('topic-name-invalid', `'${String(name)}' is no topic that can be published to`);
    if (topics.size >= MOST_TOPICS) topics.clear();
    const topic = { name, bytes: encodeUtf8(name) };
    topics.set(name, topic);
    return topic;
  };

  return (topic, payload, options, version) => {
    let properties: PublishProperties | undefined;
    // Most messages have no options: then there is nothing to look at.
    if (options !== NO_OPTIONS) {
      checkOptions('publish', options, PUBLISH_NAMES);
      checkQoS(options.qos ?? 0);
      properties = propertiesOf(options, version);
    }
    const { qos = 0, retain = false } = options;
    const interval = properties?.messageExpiryInterval;
    // QoS 0 is written down nowhere.
    const receivedAtMs = qos === 0 && interval === undefined ? 0 : now();
    return {
      topic: topicOf(topic),
      payload: payloadOf(payload),
      qos,
      retain,
      properties,
      receivedAtMs,
      expiresAtMs: interval === undefined ? Number.POSITIVE_INFINITY : receivedAtMs + interval * 1000,
    };
  };
}

/** A caller without types may give anything. */
export function checkQoS(qos: QoS): void {
  if (![0, 1, 2].includes(qos)) throw new UsageError('not-one-of', `qos: ${String(qos)} is not one of 0, 1, 2`);
}

export function onlyIn5(option: string): UsageError {
  return new UsageError('option-not-in-this-version', `${option}: only MQTT 5.0 has it`);
}

/** Those of a message in a Will are those of one that is published, but for the delay, which is no option here. */
const PROPERTIES = propertyNamesOf(0) as (keyof MessageProperties)[];
const PUBLISH_NAMES: readonly string[] = [...PROPERTIES, 'qos', 'retain', 'signal'];

function propertiesOf(options: MessageProperties, version: ProtocolVersion): PublishProperties | undefined {
  let properties: PublishProperties | undefined;
  for (const name of PROPERTIES) {
    const value = options[name];
    if (value === undefined) continue;
    if (version !== 5) throw onlyIn5(name);
    properties ??= {};
    Object.assign(properties, { [name]: encodedOf(name, value) });
  }
  return properties;
}

/** As the codec takes it. */
function encodedOf(name: keyof MessageProperties, value: unknown): unknown {
  if (name === 'userProperties') return pairsOf(value as UserPropertiesOption);
  // What is no bytes the codec refuses.
  return name === 'correlationData' ? (bytesOf(value as string | Uint8Array) ?? value) : value;
}

/** Its own bytes: the caller may go on writing into what it gave. */
function payloadOf(payload: Payload): Uint8Array {
  if (typeof payload === 'string') return bytesOf(payload);
  if (payload instanceof Uint8Array) return new Uint8Array(payload);
  const bytes = bytesIn(payload);
  if (bytes) return bytes.slice();
  throw new UsageError('wrong-type', `the payload is ${show(payload)}, and not text or bytes: ${insteadOf(payload)}`);
}

function insteadOf(payload: unknown): string {
  if (typeof payload === 'function') return 'publish() takes no callback, it returns a promise';
  if (payload === null) return 'leave it out for an empty message';
  // What is read first: a promise, a Blob, a Response.
  if (typeof (payload as Partial<PromiseLike<unknown>>).then === 'function') return 'await it';
  return typeof (payload as Partial<Blob>).arrayBuffer === 'function'
    ? 'give await payload.arrayBuffer()'
    : 'use JSON.stringify()';
}
