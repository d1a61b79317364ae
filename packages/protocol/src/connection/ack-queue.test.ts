import { PacketType } from '@hawser/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AckQueue, type AckWriter } from './ack-queue.ts';

class Written implements AckWriter {
  readonly list: string[] = [];
  writeAck(type: number, packetIdentifier: number, reasonCode: number, reasonString: string | undefined): void {
    this.list.push([type, packetIdentifier, reasonCode, reasonString].filter((part) => part !== undefined).join(' '));
  }
  writeEncoded(packet: Uint8Array): void {
    this.list.push(`packet ${packet.join()}`);
  }
}

describe('AckQueue', () => {
  test('releases from the head, as far as the disk is', () => {
    const acks = new AckQueue();
    const written = new Written();
    acks.push(PacketType.PUBACK, 1, 0, 5);
    acks.push(PacketType.PUBACK, 2, 0, 0);
    acks.push(PacketType.PUBREC, 3, 0, 7);
    expect(acks.release(4, written)).toBe(0);
    expect(written.list).toEqual([]);
    expect(acks.headTicket).toBe(5);
    expect(acks.release(5, written)).toBe(2);
    expect(written.list, 'the second needs no disk, and waits for the first').toEqual(['4 1 0', '4 2 0']);
    expect(acks.headTicket).toBe(7);
    acks.release(7, written);
    expect(acks.length).toBe(0);
    expect(acks.headTicket).toBe(Number.POSITIVE_INFINITY);
  });

  test('a ticket below that of the one before waits for that', () => {
    const acks = new AckQueue();
    const written = new Written();
    acks.push(PacketType.PUBACK, 1, 0, 9);
    acks.push(PacketType.PUBACK, 2, 0, 3);
    acks.release(5, written);
    expect(written.list).toEqual([]);
  });

  test('counts the handshakes that end: PUBACK, PUBCOMP and a PUBREC that refuses', () => {
    const acks = new AckQueue();
    acks.push(PacketType.PUBACK, 1, 0, 0);
    acks.push(PacketType.PUBREC, 2, 0, 0);
    acks.push(PacketType.PUBREC, 3, 0x97, 0);
    acks.push(PacketType.PUBREL, 4, 0, 0);
    acks.push(PacketType.PUBCOMP, 5, 0, 0);
    expect(acks.release(0, new Written())).toBe(3);
  });

  test('equals a plain list, whatever is pushed and released', () => {
    const step = fc.oneof(
      fc.record({
        push: fc.constant(true),
        ticket: fc.nat(20),
        text: fc.option(fc.constantFrom('why', 'because'), { nil: undefined }),
      }),
      fc.record({ push: fc.constant(false), ticket: fc.nat(400), text: fc.constant(undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const acks = new AckQueue();
        const written = new Written();
        const expected: string[] = [];
        let model: { ticket: number; text: string }[] = [];
        let ticket = 0;
        let committed = 0;
        for (const [i, { push, ticket: by, text }] of steps.entries()) {
          if (push) {
            ticket += by;
            acks.push(PacketType.PUBACK, i + 1, 0, ticket, text);
            model.push({ ticket, text: [4, i + 1, 0, ...(text === undefined ? [] : [text])].join(' ') });
          } else {
            committed = Math.max(committed, by);
            acks.release(committed, written);
            const rest = model.findIndex((ack) => ack.ticket > committed);
            expected.push(...model.slice(0, rest < 0 ? model.length : rest).map((ack) => ack.text));
            model = rest < 0 ? [] : model.slice(rest);
          }
          expect(acks.length).toBe(model.length);
        }
        expect(written.list).toEqual(expected);
      }),
    );
  });
});
