import type { StoredMessage, StoreOperation } from './store.ts';

/** Bytes a message counts for in a queue: its topic (UTF-8) and its payload. */
export function storedMessageSize(message: StoredMessage): number {
  return utf8Length(message.topic) + message.payload.byteLength;
}

/**
 * The same message with bytes of its own. What is kept must not hold on to, or change with, the socket's chunk it was
 * parsed from; bytes that fill their buffer are their owner's already and are shared.
 */
export function ownMessage(message: StoredMessage): StoredMessage {
  const payload = ownBytes(message.payload);
  const correlationData = message.properties?.correlationData;
  const ownCorrelation = correlationData === undefined ? undefined : ownBytes(correlationData);
  if (payload === message.payload && ownCorrelation === correlationData) return message;
  if (ownCorrelation === undefined) return { ...message, payload };
  return { ...message, payload, properties: { ...message.properties, correlationData: ownCorrelation } };
}

/** The same operation with bytes of its own; see `ownMessage`. */
export function ownOperation(operation: StoreOperation): StoreOperation {
  switch (operation.kind) {
    case 'putQueued':
      return { ...operation, entry: { ...operation.entry, message: ownMessage(operation.entry.message) } };
    case 'putRetained':
      return { ...operation, message: ownMessage(operation.message) };
    case 'renameSession':
    case 'putSession': {
      const will = operation.session.will;
      if (will === undefined) return operation;
      return {
        ...operation,
        session: { ...operation.session, will: { ...will, message: ownMessage(will.message) } },
      };
    }
    default:
      return operation;
  }
}

/** Whether an operation forces no sync of its own; see `StoreOperation`. */
export function isLazyOperation(operation: StoreOperation): boolean {
  switch (operation.kind) {
    case 'deleteQueued':
    case 'deleteOutbound':
    case 'putLost':
    case 'deleteLost':
      return true;
    case 'putOutbound':
      return operation.lazy;
    case 'putSubscription':
      return operation.lazy === true;
    default:
      return false;
  }
}

function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes: two bytes for each unit, one more than the unit counts for already.
    length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}
