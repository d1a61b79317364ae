import { describe, expect, it } from 'vitest';
import { emitterOf } from './emitter.ts';

const errors: unknown[] = [];
const heard: string[] = [];
const emitter = () =>
  emitterOf(
    (error) => errors.push(error),
    (event, isHeard) => heard.push(`${event} ${isHeard}`),
  );
const warning = { code: 'x', text: '' };

describe('an emitter', () => {
  it('calls once what is registered so, also while it registers', () => {
    const codes: string[] = [];
    const { emit, once } = emitterOf(
      (error) => errors.push(error),
      (_event, isHeard) => isHeard && emit('warning', warning),
    );
    once('warning', ({ code }) => codes.push(code));
    emit('warning', warning);
    expect(codes).toEqual(['x']);
    expect(errors).toEqual([]);
  });

  it('keeps each registration of a listener by itself', () => {
    const { emit, on, once, off } = emitter();
    const codes: string[] = [];
    const listener = ({ code }: { code: string }): void => {
      codes.push(code);
    };
    on('warning', listener);
    once('warning', listener);
    emit('warning', warning);
    emit('warning', warning);
    expect(codes).toEqual(['x', 'x', 'x']);
    off('warning', listener);
    expect(emit('warning', warning)).toBe(false);
  });

  it('tells when the first has come and the last has gone', () => {
    heard.length = 0;
    const { on, once, emit } = emitter();
    const stop = on('warning', () => {});
    once('warning', () => {});
    emit('warning', warning);
    stop();
    expect(heard).toEqual(['warning true', 'warning true', 'warning true', 'warning false']);
  });
});
