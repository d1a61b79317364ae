import { type StoredMessage, type StoredQueueEntry, type StoreOperation, storedMessageSize } from '@hawser/broker';
import type { Batch } from './commit/batch.ts';
import { Prefix } from './records/keys.ts';
import { writeMessage } from './records/message-record.ts';
import type { RecordWriter } from './records/record-writer.ts';
import { writeLosses, writeOutbound, writeQueued, writeSession, writeSubscription } from './records/records.ts';
import type { StoreIndex } from './store-index.ts';

/**
 * Puts an operation into a batch and brings the index up to it. What is under a number without a session is nothing, but
 * the sequences it names count as used. Returns the number of a session whose data is garbage from now on, or 0.
 */
export function encodeOperation(batch: Batch, index: StoreIndex, operation: StoreOperation): number {
  switch (operation.kind) {
    case 'putSession': {
      const { session } = operation;
      keyOfText(batch, Prefix.session, session.clientId);
      writeSession(batch.value(), session);
      batch.endPut();
      return index.addSession(session.clientId, session.number);
    }
    case 'renameSession': {
      const { clientId, session } = operation;
      if (index.sessionOf(clientId) !== session.number) return 0;
      keyOfText(batch, Prefix.session, clientId);
      batch.endDelete();
      keyOfText(batch, Prefix.session, session.clientId);
      writeSession(batch.value(), session);
      batch.endPut();
      index.renameSession(clientId, session.clientId, session.number);
      return 0;
    }
    case 'deleteSession':
      if (index.sessionOf(operation.clientId) !== operation.session) return 0;
      keyOfText(batch, Prefix.session, operation.clientId);
      batch.endDelete();
      index.removeSession(operation.clientId, operation.session);
      return operation.session;
    case 'putRetained':
      keyOfText(batch, Prefix.retained, operation.message.topic);
      writeMessage(batch.value(), operation.message);
      batch.endPut();
      return 0;
    case 'deleteRetained':
      keyOfText(batch, Prefix.retained, operation.topic);
      batch.endDelete();
      return 0;
    case 'putQueued':
      putQueued(batch, index, operation.session, operation.entry, operation.messageSequence);
      return 0;
    case 'putOutbound':
      index.usedSequence(operation.outbound.sequence);
      break;
    default:
  }
  if (index.isLive(operation.session)) encodeOfSession(batch, index, operation);
  return 0;
}

/** Deletes a queue entry, and its message when nobody else waits for it. */
export function deleteQueued(batch: Batch, index: StoreIndex, session: number, sequence: number): void {
  keyOfSession(batch, Prefix.queued, session).uint56(sequence);
  batch.endDelete();
  index.unqueued(session, sequence);
  const freed = index.release(session, sequence);
  if (freed !== 0) deleteMessage(batch, freed);
}

/** Deletes what is under a key. */
export function deleteKey(batch: Batch, key: Uint8Array): void {
  batch.key().raw(key);
  batch.endDelete();
}

type SessionOperation = Exclude<
  StoreOperation,
  { readonly kind: 'putSession' | 'renameSession' | 'deleteSession' | 'putRetained' | 'deleteRetained' | 'putQueued' }
>;

function encodeOfSession(batch: Batch, index: StoreIndex, operation: SessionOperation): void {
  switch (operation.kind) {
    case 'deleteQueued':
      deleteQueued(batch, index, operation.session, operation.sequence);
      return;
    case 'putOutbound':
      keyOfSession(batch, Prefix.outbound, operation.session).uint16(operation.outbound.packetIdentifier);
      writeOutbound(batch.value(), operation.outbound);
      batch.endPut();
      return;
    case 'deleteOutbound':
      keyOfSession(batch, Prefix.outbound, operation.session).uint16(operation.packetIdentifier);
      batch.endDelete();
      return;
    case 'putInbound':
      keyOfSession(batch, Prefix.inbound, operation.session).uint16(operation.packetIdentifier);
      batch.value();
      batch.endPut();
      return;
    case 'deleteInbound':
      keyOfSession(batch, Prefix.inbound, operation.session).uint16(operation.packetIdentifier);
      batch.endDelete();
      return;
    case 'putLost':
      keyOfSession(batch, Prefix.lost, operation.session);
      writeLosses(batch.value(), operation.lost);
      batch.endPut();
      return;
    case 'deleteLost':
      keyOfSession(batch, Prefix.lost, operation.session);
      batch.endDelete();
      return;
    case 'putSubscription':
      keyOfSession(batch, Prefix.subscription, operation.session).utf8(operation.subscription.topicFilter);
      writeSubscription(batch.value(), operation.subscription);
      batch.endPut();
      return;
    case 'deleteSubscription':
      keyOfSession(batch, Prefix.subscription, operation.session).utf8(operation.topicFilter);
      batch.endDelete();
      return;
  }
}

function putQueued(
  batch: Batch,
  index: StoreIndex,
  session: number,
  entry: StoredQueueEntry,
  messageSequence: number | undefined,
): void {
  const { sequence, message } = entry;
  index.usedSequence(sequence);
  if (messageSequence !== undefined) index.usedSequence(messageSequence);
  if (!index.isLive(session)) return;
  keyOfSession(batch, Prefix.queued, session).uint56(sequence);
  writeQueued(batch.value(), entry, storedMessageSize(message), messageSequence);
  batch.endPut();
  const { references } = index;
  if (messageSequence !== undefined && !references.has(messageSequence)) putMessage(batch, messageSequence, message);
  index.queued(session, sequence);
  // An entry put again may have referred to another message before.
  const freed = index.release(session, sequence);
  if (messageSequence !== undefined) references.add(session, sequence, messageSequence);
  if (freed !== 0 && freed !== messageSequence) deleteMessage(batch, freed);
}

function putMessage(batch: Batch, sequence: number, message: StoredMessage): void {
  const key = batch.key();
  key.uint8(Prefix.message);
  key.uint56(sequence);
  writeMessage(batch.value(), message);
  batch.endPut();
}

function deleteMessage(batch: Batch, sequence: number): void {
  const key = batch.key();
  key.uint8(Prefix.message);
  key.uint56(sequence);
  batch.endDelete();
}

function keyOfText(batch: Batch, prefix: Prefix, text: string): void {
  const key = batch.key();
  key.uint8(prefix);
  key.utf8(text);
}

function keyOfSession(batch: Batch, prefix: Prefix, session: number): RecordWriter {
  const key = batch.key();
  key.uint8(prefix);
  key.uint56(session);
  return key;
}
