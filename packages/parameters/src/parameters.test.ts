import { describe, expect, it } from 'vitest';
import { parameterDefaults } from './defaults.ts';
import { flagsOf } from './flags.ts';
import { messageParameters, type Parameter, parameters } from './index.ts';
import { messageTexts, parameterTexts } from './texts.ts';
import { checkValue } from './value.ts';

describe('the table', () => {
  it('has each name and each flag once', () => {
    const flags = parameters.flatMap(flagsOf);
    expect(new Set(parameters.map(({ name }) => name)).size).toBe(parameters.length);
    expect(new Set(flags).size).toBe(flags.length);
  });

  it('has a sentence in both languages for every row, and no sentence without a row', () => {
    expect(Object.keys(parameterTexts)).toEqual(parameters.map(({ name }) => name));
    expect(Object.keys(messageTexts).sort()).toEqual(
      messageParameters()
        .map(({ name }) => name)
        .sort(),
    );
    for (const { clause, en, zh } of [...Object.values(parameterTexts), ...Object.values(messageTexts)]) {
      expect(clause).toMatch(/^(\[MQTT5-[\d.]+(-\d+)?\])?$/);
      expect(en).toMatch(/\.$/);
      expect(zh).toMatch(/[。]$/u);
    }
  });

  it('has no default without a row', () => {
    const names = new Set([...parameters, ...messageParameters()].map(({ name }) => name));
    expect(Object.keys(parameterDefaults).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each([...parameters, ...messageParameters()])(
    'takes the default and the limits of $name',
    (parameter: Parameter) => {
      const { type, minimum, maximum, values } = parameter;
      const numbers = type === 'integer' || type === 'number' ? [minimum, maximum] : [];
      for (const value of [parameterDefaults[parameter.name], ...numbers, ...values]) {
        if (value !== undefined) expect(checkValue(parameter, value)?.severity).not.toBe('error');
      }
    },
  );

  it.each(parameters.filter(({ type }) => type === 'integer' || type === 'number'))(
    'refuses what lies beyond the limits of $name',
    (parameter: Parameter) => {
      expect(checkValue(parameter, parameter.maximum + 1)?.code).toBe('out-of-range');
      expect(checkValue(parameter, parameter.minimum - 1)?.code).toBe('out-of-range');
    },
  );
});
