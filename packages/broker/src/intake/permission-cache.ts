import type { BrokerCore } from '../core.ts';
import { ask } from '../policy/ask.ts';
import { type AuthorizationRequest, type ClientInfo, type Decision, isPromise } from '../policy/policies.ts';

/** Longer topics are asked about each time: a set full of them would hold megabytes. */
const LONGEST_TOPIC = 512;

/** What the Authorizer has allowed a connection, until its rules change. Only permission is remembered, never a denial. */
export class PermissionCache {
  readonly #core: BrokerCore;
  readonly #allowed = new Set<string>();
  /** What was allowed last: most clients publish to one topic, and a key for each of its messages would cost more than the rest. */
  #last: AuthorizationRequest | undefined;
  #generation = 0;
  #client: ClientInfo | undefined;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  decide(request: AuthorizationRequest): Decision | Promise<Decision> {
    const { authorize, settings, driverNode, observer, policyGeneration } = this.#core;
    if (authorize === undefined) return 'allow';
    if (this.#generation !== policyGeneration || this.#client !== request.client) {
      this.#generation = policyGeneration;
      this.#client = request.client;
      this.#allowed.clear();
      this.#last = undefined;
    }
    const { action, topic, qos, retain } = request;
    const last = this.#last;
    if (last?.topic === topic && last.action === action && last.qos === qos && last.retain === retain) return 'allow';
    const key = `${action === 'publish' ? 'p' : 's'}${qos}${retain ? 'r' : '-'}${topic}`;
    if (this.#allowed.has(key)) {
      this.#last = request;
      return 'allow';
    }
    const decision = ask<Decision>(
      (signal) => authorize(request, signal),
      'deny',
      settings['policy.timeout'] * 1000,
      driverNode.clock,
      (text) =>
        observer.onWarning?.(
          'authorizer-failed',
          `no permission for ${request.client.clientId} to ${action} ${topic}: ${text}`,
        ),
    );
    if (isPromise(decision)) return decision.then((decided) => this.#remember(key, decided));
    return this.#remember(key, decision);
  }

  #remember(key: string, decision: Decision): Decision {
    if (decision !== 'allow') return 'deny';
    const most = this.#core.settings['limits.permissions'];
    if (key.length > LONGEST_TOPIC || most === 0) return decision;
    if (this.#allowed.size >= most) this.#allowed.clear();
    this.#allowed.add(key);
    return decision;
  }
}
