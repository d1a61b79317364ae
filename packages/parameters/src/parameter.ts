/** MQTT 3.1, 3.1.1 and 5.0 by the number that stands in CONNECT's Protocol Version field. [MQTT5-3.1.2.2] */
export type ProtocolVersion = 3 | 4 | 5;

/** Where the client runs. */
export type Platform = 'node' | 'browser';

/** A value as an option takes it. `bytes` takes text too, `pairs` is a list of `[name, value]`. */
export type ParameterType = 'string' | 'integer' | 'number' | 'boolean' | 'bytes' | 'enum' | 'pairs' | 'function';

/** What `minimum` and `maximum` count, where that is neither the number itself nor, of strings and bytes, the length in UTF-8. */
export type ParameterUnit = 'seconds' | 'bytes' | 'messages';

/** One connection parameter: a row of the table. Beside it, for a page needs none of them: `@hawser/parameters/texts`, `flags`, `defaults`. */
export interface Parameter {
  /** The client option's path: `keepAlive`, `will.delayInterval`. */
  readonly name: string;
  readonly type: ParameterType;
  /** Other types that are accepted; `object`: the options below this one. */
  readonly also: readonly ('function' | 'object')[];
  /** A list of such values is accepted as well. */
  readonly many: boolean;
  readonly unit?: ParameterUnit | undefined;
  readonly minimum: number;
  /** Infinity: there is none. */
  readonly maximum: number;
  /** For `enum`: the values; else none. */
  readonly values: readonly (string | number)[];
  /** Protocol versions that can carry it. */
  readonly versions: readonly ProtocolVersion[];
  readonly platforms: readonly Platform[];
  /** Never to be printed or logged. */
  readonly secret: boolean;
}
