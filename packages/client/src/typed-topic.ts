import { filterFault, filterStart, isValidTopicName } from '@hawser/codec';
import type { Client } from './api.ts';
import { UsageError } from './errors.ts';
import type { Message } from './inbound/message.ts';
import type { MessageStream } from './inbound/message-stream.ts';
import type { MessagesOptions, PublishOptions, SubscribeOptions } from './options.ts';
import { ignorable } from './promises.ts';
import type { PublishResult } from './results.ts';

/** Standard Schema (standardschema.dev): zod, valibot, arktype and others have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
}

/** The parameters in a pattern: `{ id: string }` of `devices/{id}/telemetry`. */
export type TopicParameters<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [Key in Name]: string } & TopicParameters<Rest>
  : unknown;

/** A payload that does not match its schema, or cannot be read; `cause` is what the schema or the format has said. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
  readonly code = 'payload-invalid';
  readonly topic: string;
  /** The message that came; undefined: it was one to be published. With `acknowledge: 'manual'` it is not acknowledged. */
  readonly received: Message | undefined;

  constructor(topic: string, message: string, { cause, received }: PayloadErrorInit = {}) {
    super(`payload of '${topic}': ${message}`, { cause });
    this.topic = topic;
    this.received = received;
  }
}

interface PayloadErrorInit {
  readonly cause?: unknown;
  readonly received?: Message | undefined;
}

/** How a value becomes a payload; JSON by default. */
export interface PayloadFormat {
  encode(value: unknown): string | Uint8Array;
  decode(message: Message): unknown;
  readonly contentType?: string | undefined;
}

/** A message whose payload matched the schema. */
export interface TypedMessage<Output, Parameters> {
  readonly value: Output;
  readonly parameters: Parameters;
  readonly message: Message;
}

/** The messages of a typed topic, one by one. `return()`, or leaving the `for await` loop, ends it and unsubscribes. */
export interface TypedMessageStream<Output, Parameters>
  extends AsyncIterableIterator<TypedMessage<Output, Parameters>, undefined>,
    AsyncDisposable {
  [Symbol.asyncIterator](): TypedMessageStream<Output, Parameters>;
  return(): Promise<IteratorResult<TypedMessage<Output, Parameters>, undefined>>;
}

const json: PayloadFormat = { encode: (value) => JSON.stringify(value), decode: (message) => message.json() };

/**
 * A topic with its type: `topic('devices/{id}/telemetry', schema)`; each level is text or one parameter. `$share/{ShareName}/` before it makes
 * the subscription a shared one. What does not match the schema goes to the client's `error` event as a PayloadError; with `acknowledge: 'manual'` a listener refuses it,
 * `error.received.acknowledge(0x99)` (Payload format invalid). Throws UsageError for a pattern that is no topic.
 */
export function topic<const Pattern extends string, Input, Output>(
  pattern: Pattern,
  schema: StandardSchema<Input, Output>,
  format: PayloadFormat = json,
): TypedTopic<TopicParameters<Pattern>, Input, Output> {
  return new TypedTopic(pattern, schema, format);
}

export class TypedTopic<Parameters, Input, Output> {
  readonly pattern: string;
  /** Subscribes to every value of the parameters: `devices/+/telemetry`. */
  readonly filter: string;
  /** Of the Topic Name, without `$share`. */
  readonly #levels: readonly Level[];
  readonly #schema: StandardSchema<Input, Output>;
  readonly #format: PayloadFormat;

  /** Of `for()`. */
  readonly #bound: ReadonlyMap<string, unknown>;

  constructor(
    pattern: string,
    schema: StandardSchema<Input, Output>,
    format: PayloadFormat,
    bound: ReadonlyMap<string, unknown> = new Map(),
  ) {
    this.pattern = pattern;
    this.#schema = schema;
    this.#format = format;
    this.#bound = bound;
    const share = pattern.slice(0, filterStart(pattern));
    this.#levels = pattern.slice(share.length).split('/').map(levelOf);
    const patternFault = faultOf(share, this.#levels);
    const levels = this.#levels.map(({ text, parameter }, i) => {
      if (parameter === undefined) return text;
      return patternFault === undefined && bound.has(parameter)
        ? this.#valueOf(bound.get(parameter), parameter, i)
        : '+';
    });
    this.filter = share + levels.join('/');
    const fault = patternFault ?? filterFault(this.filter);
    if (fault !== undefined) throw new UsageError('topic-pattern-invalid', `'${pattern}': ${fault}`);
    if (typeof schema?.['~standard']?.validate !== 'function')
      throw new UsageError('wrong-type', `'${pattern}': its schema is no Standard Schema (standardschema.dev)`);
  }

  /**
   * The Topic Name for these parameters. Throws UsageError for one that is missing or cannot be (part of) a level, and for a name that is over
   * 65,535 bytes long.
   */
  nameOf(parameters: Parameters): string {
    const given = (parameters ?? {}) as Readonly<Record<string, unknown>>;
    const levels = this.#levels.map(({ text, parameter }, i) =>
      parameter === undefined ? text : this.#valueOf(given[parameter] ?? this.#bound.get(parameter), parameter, i),
    );
    const name = levels.join('/');
    if (!isValidTopicName(name)) throw this.#wrong('with these parameters it is over 65,535 bytes long');
    return name;
  }

  /**
   * The same topic with some of its parameters fixed: `telemetry.for({ id: 'pump-7' })` subscribes to `devices/pump-7/telemetry` alone, and gets nothing else. Throws
   * UsageError for a parameter that the pattern does not have, or that can't be a level.
   */
  for(parameters: Partial<Parameters>): TypedTopic<Parameters, Input, Output> {
    const bound = new Map([...this.#bound, ...Object.entries(parameters)]);
    for (const name of bound.keys())
      if (!this.#levels.some(({ parameter }) => parameter === name)) throw this.#wrong(`it has no parameter ${name}`);
    return new TypedTopic(this.pattern, this.#schema, this.#format, bound);
  }

  /** The parameters of a Topic Name; undefined: it is not one of these. */
  match(topicName: string): Parameters | undefined {
    const levels = topicName.split('/');
    if (levels.length !== this.#levels.length) return undefined;
    const found: [name: string, value: string][] = [];
    for (const [i, { text, parameter }] of this.#levels.entries()) {
      const value = levels[i] as string;
      const expected = parameter === undefined ? text : (this.#bound.get(parameter) ?? value);
      if (expected !== value) return undefined;
      if (parameter !== undefined) found.push([parameter, value]);
    }
    // [MQTT5-4.7.2-1]
    if (topicName.startsWith('$') && this.#levels[0]?.parameter !== undefined) return undefined;
    return Object.fromEntries(found) as Parameters;
  }

  /** Publishes a value that matches the schema; rejects with PayloadError for one that does not. */
  publish(client: Client, parameters: Parameters, value: Input, options: PublishOptions = {}): Promise<PublishResult> {
    return ignorable(this.#publish(client, parameters, value, options));
  }

  async #publish(
    client: Client,
    parameters: Parameters,
    value: Input,
    options: PublishOptions,
  ): Promise<PublishResult> {
    const name = this.nameOf(parameters);
    await this.#validate(name, value);
    const { contentType } = this.#format;
    const typed =
      contentType === undefined || options.contentType !== undefined ? options : { ...options, contentType };
    return client.publish(name, this.#format.encode(value), typed);
  }

  /** Subscribes, and calls `handler` with each message that matches. Returns how to stop; the subscription stays. */
  subscribe(
    client: Client,
    handler: (message: TypedMessage<Output, Parameters>) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): Promise<() => void> {
    return ignorable(this.#subscribe(client, handler, options));
  }

  async #subscribe(
    client: Client,
    handler: (message: TypedMessage<Output, Parameters>) => void | Promise<void>,
    options: SubscribeOptions,
  ): Promise<() => void> {
    const stop = client.onMessage(async (message) => {
      const typed = await this.#read(message);
      if (typed !== undefined) await handler(typed);
    }, this.filter);
    try {
      await client.subscribe(this.filter, options);
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  }

  /**
   * Subscribes at once, and gives the messages one by one, as `client.messages`; those that do not match the schema are left out and told as
   * `error`.
   */
  messages(client: Client, options: MessagesOptions = {}): TypedMessageStream<Output, Parameters> {
    const received = client.messages(this.filter, options);
    const typed = this.#readAll(client, received);
    const stream: TypedMessageStream<Output, Parameters> = {
      [Symbol.asyncIterator]: () => stream,
      next: () => ignorable(typed.next()),
      // Not the generator's, which would wait for a `next()` that waits for a message, and has not begun before the first one.
      async return() {
        await received.return();
        return { done: true, value: undefined };
      },
      async [Symbol.asyncDispose]() {
        await stream.return();
      },
    };
    return stream;
  }

  async *#readAll(
    client: Client,
    received: MessageStream,
  ): AsyncGenerator<TypedMessage<Output, Parameters>, undefined> {
    for await (const message of received) {
      const typed = await this.#read(message).catch((error: unknown) => client.reportError(error));
      if (typed) yield typed;
    }
  }

  /** Rejects with a PayloadError. */
  async #read(message: Message): Promise<TypedMessage<Output, Parameters> | undefined> {
    const parameters = this.match(message.topic);
    if (parameters === undefined) return undefined;
    return { value: await this.#validate(message.topic, this.#decode(message), message), parameters, message };
  }

  #decode(received: Message): unknown {
    try {
      return this.#format.decode(received);
    } catch (cause) {
      throw new PayloadError(received.topic, `it cannot be read: ${String(cause)}`, { cause, received });
    }
  }

  async #validate(name: string, value: unknown, received?: Message): Promise<Output> {
    let cause: readonly SchemaIssue[];
    try {
      const result = await this.#schema['~standard'].validate(value);
      if (result.issues === undefined) return result.value;
      cause = result.issues;
    } catch (error) {
      throw new PayloadError(name, `the schema failed: ${String(error)}`, { cause: error, received });
    }
    const text = cause
      .map(({ message, path }) => (path?.length ? `${path.map(stepOf).join('.')}: ${message}` : message))
      .join('; ');
    throw new PayloadError(name, text, { cause, received });
  }

  #valueOf(value: unknown, parameter: string, level: number): string {
    if (typeof value !== 'string' || !IN_LEVEL.test(value))
      throw this.#wrong(`${parameter} must be text without / + # and U+0000, and not empty`);
    // The filter would not match it [MQTT5-4.7.2-1].
    if (level === 0 && value.startsWith('$')) throw this.#wrong(`${parameter} begins the topic, and so not with $`);
    return value;
  }

  #wrong(text: string): UsageError {
    return new UsageError('topic-parameter-invalid', `'${this.pattern}': ${text}`);
  }
}

/** One level of a pattern: its text, or the name of the parameter that stands there. */
interface Level {
  readonly text: string;
  readonly parameter: string | undefined;
}

const PARAMETER = /^\{([A-Za-z_]\w*)\}$/;
const IN_LEVEL = /^[^/+#\0\p{Cs}]+$/u;

function levelOf(text: string): Level {
  return { text, parameter: PARAMETER.exec(text)?.[1] };
}

/** What is wrong with a pattern beyond its Topic Filter, in words. */
function faultOf(share: string, levels: readonly Level[]): string | undefined {
  for (const text of [share, ...levels.filter(({ parameter }) => parameter === undefined).map(({ text }) => text)])
    if (/[+#{}]/.test(text)) return `a level is either text or one parameter, {name}; '${text}' is neither`;
  const names = levels.flatMap(({ parameter }) => parameter ?? []);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return `the parameter ${twice} is there twice`;
  return undefined;
}

function stepOf(step: unknown): string {
  return String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step);
}
