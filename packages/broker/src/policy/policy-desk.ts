import { UsageError } from '@hawser/codec';
import type { Clock } from '@hawser/transport';
import type { Observer } from '../recorder/observer.ts';
import type { Settings } from '../settings.ts';
import {
  ALLOWED,
  CONNECT,
  CONNECT_IN_STEPS,
  CONNECT_STEP,
  DENIED,
  describeAnswer,
  INTERCEPT,
  PERMIT,
  PERMIT_AT_ONCE,
  PERMIT_SUBSCRIPTION,
  type Permission,
  type Question,
} from './answers.ts';
import { Asker } from './asker.ts';
import {
  type AuthenticationDecision,
  type AuthenticationRequest,
  type Authenticator,
  type AuthorizationRequest,
  type Authorizer,
  type ClientInfo,
  type ContinueConnect,
  type InterceptedPublish,
  type Interceptor,
  isPromise,
} from './policies.ts';
import { isForBridges, isOfServer } from './server-topics.ts';

/** What a broker lends to its policies. */
export interface PolicyHost {
  readonly settings: Settings;
  readonly driverNode: { readonly clock: Clock };
  readonly observer: Observer;
}

/** The hooks of a broker. */
export interface PolicyHooks {
  readonly authenticate?: Authenticator | undefined;
  readonly authorize?: Authorizer | undefined;
  readonly intercept?: Interceptor | undefined;
}

type Hook<Request> = (request: Request, signal: AbortSignal) => unknown;

/**
 * The one place where policies are asked. A policy that answers at once costs no promise. One that throws, rejects, takes longer than
 * `policy.timeout`, or answers what is no answer, has not allowed anything: the observer is told why, with the right form. What an asker has
 * asked is aborted when it ends.
 */
export class PolicyDesk {
  readonly authenticate: Authenticator | undefined;
  readonly intercept: Interceptor | undefined;
  readonly #host: PolicyHost;
  /** For questions that are no connection's: Wills and sessions whose client is away. */
  readonly #broker = new Asker();
  #authorize: Authorizer | undefined;
  #generation = 1;

  /** Throws UsageError for a hook that is no function: what cannot be asked must not look as if nothing had to be asked. */
  constructor(host: PolicyHost, { authenticate, authorize, intercept }: PolicyHooks) {
    this.#host = host;
    this.authenticate = readHook('authenticate', authenticate);
    this.#authorize = readHook('authorize', authorize);
    this.intercept = readHook('intercept', intercept);
  }

  get authorize(): Authorizer | undefined {
    return this.#authorize;
  }

  /** Grows when the rules of the Authorizer have changed: what was remembered of them is void. */
  get generation(): number {
    return this.#generation;
  }

  /** Another Authorizer from here on, or none. */
  setAuthorizer(authorize: Authorizer | undefined): void {
    this.#authorize = readHook('authorize', authorize);
    this.forget();
  }

  /** What the Authorizer has said is void. */
  forget(): void {
    this.#generation++;
  }

  /** Aborts what the broker itself has asked. */
  close(): void {
    this.#broker.end();
  }

  /** Whether a client may connect. */
  mayConnect(
    asker: Asker,
    authenticate: Authenticator,
    request: AuthenticationRequest,
  ): AuthenticationDecision | Promise<AuthenticationDecision> {
    // [MQTT5-4.12.0-6]: without a method there is no AUTH to go on with.
    const question = request.authenticationMethod === undefined ? CONNECT : CONNECT_IN_STEPS;
    return this.#ask(question, authenticate, request, asker);
  }

  /** The same, after an AUTH packet of the client. */
  mayGoOn(
    asker: Asker,
    step: ContinueConnect,
    data: Uint8Array | undefined,
  ): AuthenticationDecision | Promise<AuthenticationDecision> {
    return this.#ask(CONNECT_STEP, (bytes, signal) => step.next(bytes, signal), data, asker);
  }

  mayPublish(asker: Asker, request: AuthorizationRequest): Permission | Promise<Permission> {
    const authorize = this.#authorize;
    if (authorize !== undefined) return this.#ask(PERMIT, authorize, request, asker);
    return isOfServer(request.topic) && !isForBridges(request.topic) ? DENIED : ALLOWED;
  }

  maySubscribe(asker: Asker | undefined, request: AuthorizationRequest): Permission | Promise<Permission> {
    const authorize = this.#authorize;
    return authorize === undefined
      ? ALLOWED
      : this.#ask(PERMIT_SUBSCRIPTION, authorize, request, asker ?? this.#broker);
  }

  /** Whether messages to a topic are delivered for a subscription that was granted with `filter`. */
  mayReceive(client: ClientInfo, topic: string): boolean {
    const authorize = this.#authorize;
    if (authorize === undefined) return true;
    const request: AuthorizationRequest = { client, action: 'receive', topic, qos: 0, retain: false };
    const permission = this.#ask(PERMIT_AT_ONCE, authorize, request, this.#broker);
    return !isPromise(permission) && permission.decision === 'allow';
  }

  /** Whether a client may leave a Will (`asker`: its connection), or a Will may be published now. */
  mayPublishWill(
    asker: Asker | undefined,
    client: ClientInfo,
    { topic, qos, retain }: Pick<AuthorizationRequest, 'topic' | 'qos' | 'retain'>,
  ): Permission | Promise<Permission> {
    return this.mayPublish(asker ?? this.#broker, { client, action: 'publish', topic, qos, retain });
  }

  /** What the interceptor says of a message; only where there is one. */
  mayPass(asker: Asker, publish: InterceptedPublish): Permission | Promise<Permission> {
    return this.intercept === undefined ? ALLOWED : this.#ask(INTERCEPT, this.intercept, publish, asker);
  }

  #ask<Request, Answer>(
    question: Question<Request, Answer>,
    hook: Hook<Request>,
    request: Request,
    asker: Asker,
  ): Answer | Promise<Answer> {
    let answer: unknown;
    try {
      answer = hook(request, asker.signal);
    } catch (error) {
      return this.#failed(question, request, `it threw: ${messageOf(error)}`);
    }
    return isPromise(answer) && question.mayWait !== false
      ? this.#wait(question, request, asker, answer)
      : this.#read(question, request, answer);
  }

  #wait<Request, Answer>(
    question: Question<Request, Answer>,
    request: Request,
    asker: Asker,
    promise: Promise<unknown>,
  ): Promise<Answer> {
    const { clock } = this.#host.driverNode;
    const seconds = this.#host.settings['policy.timeout'];
    return new Promise<Answer>((resolve) => {
      const controller = asker.wait(() => {
        cancel();
        resolve(question.failed);
      });
      const cancel = clock.setTimer(clock.now() + seconds * 1000, () => {
        asker.settle(controller);
        controller.abort();
        resolve(this.#failed(question, request, `it gave no answer within ${seconds} s`));
      });
      const settled = (settle: () => Answer): void => {
        if (controller.signal.aborted) return;
        cancel();
        asker.settle(controller);
        resolve(settle());
      };
      Promise.resolve(promise).then(
        (answer) => settled(() => this.#read(question, request, answer)),
        (error: unknown) => settled(() => this.#failed(question, request, `it failed: ${messageOf(error)}`)),
      );
      // It may have ended while the policy was at work.
      if (asker.hasEnded) {
        cancel();
        asker.settle(controller);
        controller.abort();
        resolve(question.failed);
      }
    });
  }

  #read<Request, Answer>(question: Question<Request, Answer>, request: Request, answer: unknown): Answer {
    const read = question.read(answer);
    if (read !== undefined) return read;
    return this.#failed(question, request, `it answered ${describeAnswer(answer)}; an answer is ${question.form}`);
  }

  #failed<Request, Answer>(question: Question<Request, Answer>, request: Request, why: string): Answer {
    this.#host.observer.onWarning?.(question.warning, `${question.about(request)}: ${why}`);
    return question.failed;
  }
}

/** A hook, or none. Throws UsageError for what is no function. */
export function readHook<T>(name: string, hook: T | undefined): T | undefined {
  if (hook === undefined || typeof hook === 'function') return hook;
  const text = `${name} is ${describeAnswer(hook)}; it has to be a function, or absent (docs/embedding.md)`;
  throw new UsageError('policy-not-a-function', text);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
