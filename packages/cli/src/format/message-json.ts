import type { Message } from '@hawser/client';

/**
 * A message as one JSON object. The payload is text (`encoding` "utf8") when it is UTF-8, else base64; Correlation Data is
 * always base64. `at` is when it came, in ISO 8601.
 */
export function toJson(message: Message, at: Date): object {
  const { encoding, text } = encodePayload(message.payload);
  const properties = propertiesOf(message);
  return {
    topic: message.topic,
    payload: text,
    encoding,
    qos: message.qos,
    retain: message.retain,
    dup: message.dup,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    at: at.toISOString(),
  };
}

function propertiesOf(message: Message): Record<string, unknown> {
  const { messageExpiryInterval, payloadFormatIndicator, contentType, responseTopic, correlationData } = message;
  const { userProperties, subscriptionIdentifiers } = message;
  const all = {
    messageExpiryInterval,
    payloadFormatIndicator,
    contentType,
    responseTopic,
    correlationData: correlationData === undefined ? undefined : Buffer.from(correlationData).toString('base64'),
    userProperties: userProperties.length === 0 ? undefined : userProperties,
    subscriptionIdentifiers: subscriptionIdentifiers.length === 0 ? undefined : subscriptionIdentifiers,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function encodePayload(payload: Uint8Array): { readonly encoding: 'utf8' | 'base64'; readonly text: string } {
  try {
    // `ignoreBOM` keeps a byte order mark: what is printed is what was sent.
    return { encoding: 'utf8', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload) };
  } catch {
    return { encoding: 'base64', text: Buffer.from(payload).toString('base64') };
  }
}
