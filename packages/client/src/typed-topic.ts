import type { Client, PublishResult } from './api.ts';
import { UsageError } from './errors.ts';
import type { Message } from './inbound/message.ts';
import type { MessagesOptions, PublishOptions, SubscribeOptions } from './options.ts';

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
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

/** The parameters in a pattern: `{ id: string }` of `devices/{id}/telemetry`. */
export type TopicParameters<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [Key in Name]: string } & TopicParameters<Rest>
  : unknown;

/** A payload that does not match its schema, or cannot be read. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
  readonly code = 'payload-invalid';
  readonly topic: string;

  constructor(topic: string, message: string, cause?: unknown) {
    super(`payload of '${topic}': ${message}`, { cause });
    this.topic = topic;
  }
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

const json: PayloadFormat = { encode: (value) => JSON.stringify(value), decode: (message) => message.json() };

/**
 * A topic with its type: `topic('devices/{id}/telemetry', schema)`. What does not match the schema goes to the client's `error` event and never stops
 * it. Throws UsageError for a pattern that is no topic.
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
  readonly #levels: readonly string[];
  readonly #schema: StandardSchema<Input, Output>;
  readonly #format: PayloadFormat;

  constructor(pattern: string, schema: StandardSchema<Input, Output>, format: PayloadFormat) {
    this.pattern = pattern;
    this.#schema = schema;
    this.#format = format;
    this.#levels = pattern.split('/');
    for (const level of this.#levels) {
      if (/[+#{}]/.test(level) && !PARAMETER.test(level)) {
        const text = `'${pattern}': a level is either text or one parameter, {name}; '${level}' is neither`;
        throw new UsageError('topic-pattern-invalid', text);
      }
    }
    this.filter = this.#levels.map((level) => (PARAMETER.test(level) ? '+' : level)).join('/');
  }

  /** The Topic Name for these parameters. Throws UsageError when one is missing or holds a slash or a wildcard. */
  nameOf(parameters: Parameters): string {
    const given = parameters as Readonly<Record<string, unknown>>;
    return this.#levels
      .map((level) => {
        const name = PARAMETER.exec(level)?.[1];
        if (name === undefined) return level;
        const value = given[name];
        if (typeof value === 'string' && value !== '' && !/[/+#]/.test(value)) return value;
        throw new UsageError(
          'topic-parameter-invalid',
          `'${this.pattern}': ${name} must be text without / + #, and not empty`,
        );
      })
      .join('/');
  }

  /** The parameters of a Topic Name; undefined: it is not one of these. */
  match(topicName: string): Parameters | undefined {
    const levels = topicName.split('/');
    if (levels.length !== this.#levels.length) return undefined;
    const parameters: Record<string, string> = {};
    for (const [i, level] of this.#levels.entries()) {
      const name = PARAMETER.exec(level)?.[1];
      const value = levels[i] as string;
      if (name !== undefined) parameters[name] = value;
      else if (level !== value) return undefined;
    }
    return parameters as Parameters;
  }

  /** Publishes a value that matches the schema; rejects with PayloadError for one that does not. */
  async publish(
    client: Client,
    parameters: Parameters,
    value: Input,
    options: PublishOptions = {},
  ): Promise<PublishResult> {
    const name = this.nameOf(parameters);
    await this.#validate(name, value);
    const { contentType } = this.#format;
    const typed =
      contentType === undefined || options.contentType !== undefined ? options : { ...options, contentType };
    return client.publish(name, this.#format.encode(value), typed);
  }

  /** Subscribes, and calls `handler` with each message that matches. Returns how to stop; the subscription stays. */
  async subscribe(
    client: Client,
    handler: (message: TypedMessage<Output, Parameters>) => void | Promise<void>,
    options: SubscribeOptions = {},
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

  /** Messages one by one, as `client.messages`; those that do not match the schema are left out and told as `error`. */
  async *messages(
    client: Client,
    options: MessagesOptions = {},
  ): AsyncGenerator<TypedMessage<Output, Parameters>, void> {
    for await (const message of client.messages(this.filter, options)) {
      // A schema may throw, too.
      const typed = await this.#read(message).catch((error) => client.reportError(error));
      if (typed) yield typed;
    }
  }

  async #read(message: Message): Promise<TypedMessage<Output, Parameters> | undefined> {
    const parameters = this.match(message.topic);
    if (parameters === undefined) return undefined;
    let decoded: unknown;
    try {
      decoded = this.#format.decode(message);
    } catch (error) {
      throw new PayloadError(message.topic, `it cannot be read: ${String(error)}`, error);
    }
    return { value: await this.#validate(message.topic, decoded), parameters, message };
  }

  async #validate(name: string, value: unknown): Promise<Output> {
    const result = await this.#schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    const text = result.issues
      .map(({ message, path }) => (path?.length ? `${path.map(stepOf).join('.')}: ${message}` : message))
      .join('; ');
    throw new PayloadError(name, text, result.issues);
  }
}

const PARAMETER = /^\{([A-Za-z_]\w*)\}$/;

function stepOf(step: unknown): string {
  return String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step);
}
