import { allowedReasonCodes, ReasonCode } from '@hawser/codec';
import { hasSentence } from '../causes/sentences.ts';
import type {
  AllowConnect,
  AuthenticationDecision,
  AuthenticationRequest,
  AuthorizationRequest,
  ContinueConnect,
  DenyConnect,
  InterceptedPublish,
  SubscribeDecision,
} from './policies.ts';

/** What is permitted, and how long that holds. `unknown`: the policy could not say. */
export interface Permission {
  readonly decision: SubscribeDecision | 'unknown';
  /** Milliseconds since 1970; Infinity: as long as the rules are what they are. */
  readonly expiresAt: number;
}

export const ALLOWED: Permission = Object.freeze({ decision: 'allow', expiresAt: Number.POSITIVE_INFINITY });
/** Granted; each topic is asked about. */
export const FILTERED: Permission = Object.freeze({ decision: 'filter', expiresAt: Number.POSITIVE_INFINITY });
export const DENIED: Permission = Object.freeze({ decision: 'deny', expiresAt: Number.POSITIVE_INFINITY });
/** The policy threw, took too long, or answered something that is no answer. */
export const UNKNOWN: Permission = Object.freeze({ decision: 'unknown', expiresAt: 0 });

export const POLICY_FAILED: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.ServerUnavailable,
  reason: Object.freeze({ is: 'authenticator-silent' }),
});

/** One kind of question: what an answer looks like, and what holds when there is none. */
export interface Question<Request, Answer> {
  /** The warning when the policy fails. */
  readonly warning: 'authenticator-failed' | 'authorizer-failed' | 'intercept-failed';
  /** What an answer looks like, for a person who has given another. */
  readonly form: string;
  /** What holds when the policy fails: never its allow. */
  readonly failed: Answer;
  /** False: it has to be answered at once, and a promise is no answer. */
  readonly mayWait?: false;
  /** Undefined: it is no answer. */
  read(answer: unknown): Answer | undefined;
  /** What nobody could say, for the warning. */
  about(request: Request): string;
}

const CONNECT_FORM =
  "{ kind: 'allow', username: 'the name that was checked' }, { kind: 'deny', reasonCode: 0x86, reason: 'for the client to read' }, or ALLOW_CONNECT, BAD_CREDENTIALS";
const DECISION_FORM = "'allow', 'deny' or { decision: 'allow', expiresAt: milliseconds since 1970 }";
const CONTINUE_FORM =
  "{ kind: 'continue', authenticationData, next(data) {} } for a client with an Authentication Method";

const AUTHENTICATOR = {
  warning: 'authenticator-failed',
  form: `${CONNECT_FORM}, or ${CONTINUE_FORM}`,
  failed: POLICY_FAILED,
} as const;
const aboutConnecting = ({ client }: AuthenticationRequest): string =>
  `nobody could say whether ${client.clientId} may connect`;

/** Who may connect. */
export const CONNECT: Question<AuthenticationRequest, AuthenticationDecision> = {
  ...AUTHENTICATOR,
  form: CONNECT_FORM,
  read: (answer) => {
    const decision = readConnectDecision(answer);
    return decision?.kind === 'continue' ? undefined : decision;
  },
  about: aboutConnecting,
};

/** Who may connect, with an exchange of AUTH packets. */
export const CONNECT_IN_STEPS: Question<AuthenticationRequest, AuthenticationDecision> = {
  ...AUTHENTICATOR,
  read: readConnectDecision,
  about: aboutConnecting,
};

/** The next step of that exchange; the Authenticator knows whose it is. */
export const CONNECT_STEP: Question<Uint8Array | undefined, AuthenticationDecision> = {
  ...AUTHENTICATOR,
  read: readConnectDecision,
  about: () => 'nobody could say whether a client may connect after an AUTH packet',
};

/** Who may publish what, and receive it. */
export const PERMIT: Question<AuthorizationRequest, Permission> = {
  warning: 'authorizer-failed',
  form: DECISION_FORM,
  failed: UNKNOWN,
  read: readPermission,
  about: ({ client, action, topic }) => `nobody could say whether ${client.clientId} may ${action} ${topic}`,
};

/** Who may receive what of a subscription that was granted with `filter`: while a message is routed nobody waits. */
export const PERMIT_AT_ONCE: Question<AuthorizationRequest, Permission> = {
  ...PERMIT,
  form: "'allow' or 'deny', and no promise",
  mayWait: false,
};

/** Who may subscribe to what. */
export const PERMIT_SUBSCRIPTION: Question<AuthorizationRequest, Permission> = {
  ...PERMIT,
  form: `${DECISION_FORM}, or 'filter'`,
  read: (answer) => (answer === 'filter' ? FILTERED : readPermission(answer)),
};

/** Whether a message goes on. */
export const INTERCEPT: Question<InterceptedPublish, Permission> = {
  warning: 'intercept-failed',
  form: "'allow' or 'deny'",
  failed: UNKNOWN,
  read: (answer) => (answer === 'allow' ? ALLOWED : answer === 'deny' ? DENIED : undefined),
  about: ({ topic }) => `the interceptor did not decide about a message to ${topic}`,
};

/** Reads what an Authenticator said. Whatever is not exactly one of its answers is none: a door is not opened by a typing error. */
export function readConnectDecision(answer: unknown): AuthenticationDecision | undefined {
  if (typeof answer !== 'object' || answer === null || !('kind' in answer)) return undefined;
  switch (answer.kind) {
    case 'allow':
      return isAllow(answer as Readonly<Record<keyof AllowConnect, unknown>>) ? (answer as AllowConnect) : undefined;
    case 'deny':
      return isDeny(answer as Readonly<Record<keyof DenyConnect, unknown>>) ? (answer as DenyConnect) : undefined;
    case 'continue': {
      const { next, authenticationData } = answer as Readonly<Record<keyof ContinueConnect, unknown>>;
      return typeof next === 'function' && isBytes(authenticationData) ? (answer as ContinueConnect) : undefined;
    }
    default:
      return undefined;
  }
}

function isAllow(answer: Readonly<Record<keyof AllowConnect, unknown>>): boolean {
  const { username, clientId, anonymous, expiresAt, attributes, authenticationData } = answer;
  return (
    isOptional(username, 'string') &&
    isOptional(clientId, 'string') &&
    isOptional(anonymous, 'boolean') &&
    isOptional(attributes, 'object') &&
    attributes !== null &&
    // What is not a number never comes: the connection would have no end.
    (expiresAt === undefined || (typeof expiresAt === 'number' && !Number.isNaN(expiresAt))) &&
    isBytes(authenticationData)
  );
}

function isDeny({ reasonCode, reason }: Readonly<Record<keyof DenyConnect, unknown>>): boolean {
  const isRefusal = typeof reasonCode === 'number' && reasonCode >= 0x80;
  return (
    isRefusal && allowedReasonCodes.CONNACK.includes(reasonCode) && (typeof reason === 'string' || hasSentence(reason))
  );
}

function isOptional(value: unknown, type: string): boolean {
  return value === undefined || typeof value === type;
}

function isBytes(value: unknown): boolean {
  return value === undefined || value instanceof Uint8Array;
}

/** Reads what an Authorizer said. */
export function readPermission(answer: unknown): Permission | undefined {
  if (answer === 'allow') return ALLOWED;
  if (answer === 'deny') return DENIED;
  if (typeof answer !== 'object' || answer === null || !('decision' in answer)) return undefined;
  const { decision } = answer;
  const expiresAt = 'expiresAt' in answer ? answer.expiresAt : Number.POSITIVE_INFINITY;
  if (decision !== 'allow' && decision !== 'deny') return undefined;
  return typeof expiresAt === 'number' && !Number.isNaN(expiresAt) ? { decision, expiresAt } : undefined;
}

const MOST_SHOWN = 20;

/** An answer that is none, for the person who has written the policy. Values of objects are not shown: they may be secrets. */
export function describeAnswer(answer: unknown): string {
  if (typeof answer === 'string') {
    return answer.length > MOST_SHOWN ? `a string of ${answer.length} characters` : `'${answer}'`;
  }
  if (typeof answer === 'function') return 'a function';
  if (typeof answer !== 'object' || answer === null) return String(answer);
  const keys = Object.keys(answer).slice(0, MOST_SHOWN);
  const kind =
    'kind' in answer && typeof answer.kind === 'string' ? ` and the kind ${describeAnswer(answer.kind)}` : '';
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.join(', ')}${kind}`;
}
