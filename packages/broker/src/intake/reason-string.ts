import { encodeUtf8 } from '@hawser/codec';

/** What a client is told is for people: nobody reads more, and a Topic Name may have 64 KiB. */
const MOST_TEXT = 1024;
/** What a SUBACK has besides its Reason Codes and its Reason String. */
const SUBACK_BYTES = 16;

/** Words that go into a packet: not too long, and with no character that MQTT does not take. */
export function reasonString(text: string): string {
  const short = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT - 1)}…` : text;
  return short.toWellFormed().replaceAll('\0', '\ufffd');
}

/** Whether a SUBACK with these words is one that its client takes; otherwise they stay away [MQTT5-3.9.2-1]. */
export function fitsSuback(words: string, reasonCodes: number, maximumPacketSize: number): boolean {
  return encodeUtf8(words).length + reasonCodes + SUBACK_BYTES <= maximumPacketSize;
}
