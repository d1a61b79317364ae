import {
  encodeUtf8,
  isValidTopicName,
  type ProtocolVersion,
  type PublishProperties,
  propertyNamesOf,
  type QoS,
} from '@hawser/codec';
import { checkNames } from './check-names.ts';
import { UsageError } from './errors.ts';
import type { MessageProperties, Payload, PublishOptions } from './options.ts';
import type { OutgoingContent } from './session/outgoing.ts';
import { bytesOf } from './settings.ts';

/** Makes a message of what `publish` was given; `now` on the client's clock. Throws UsageError. */
export function messageOf(
  topic: string,
  payload: Payload,
  options: PublishOptions,
  version: ProtocolVersion,
  now: number,
): OutgoingContent {
  if (typeof topic !== 'string' || !isValidTopicName(topic)) {
    throw new UsageError('topic-name-invalid', `'${String(topic)}' is no topic that can be published to`);
  }
  checkNames(options, PUBLISH_NAMES);
  const { qos = 0, retain = false } = options;
  checkQoS(qos);
  const properties = propertiesOf(options, version);
  return {
    topic: { name: topic, bytes: encodeUtf8(topic) },
    payload: payloadOf(payload),
    qos,
    retain,
    properties,
    receivedAtMs: now,
    expiresAtMs: now + (properties?.messageExpiryInterval ?? Number.POSITIVE_INFINITY) * 1000,
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
    const encoded = name === 'correlationData' ? bytesOf(value as string | Uint8Array) : value;
    Object.assign(properties, { [name]: encoded });
  }
  return properties;
}

/** Its own bytes: the caller may go on writing into what it gave. */
function payloadOf(payload: Payload): Uint8Array {
  if (typeof payload === 'string') return bytesOf(payload);
  if (payload instanceof ArrayBuffer) return new Uint8Array(payload.slice(0));
  if (payload instanceof Uint8Array) return new Uint8Array(payload);
  throw new UsageError('wrong-type', 'the payload is not text or bytes: use JSON.stringify()');
}
