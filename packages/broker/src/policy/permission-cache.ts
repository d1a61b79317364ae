import { PacketType } from '@hawser/codec';
import type { TurnBudget } from '../node/turn-budget.ts';
import { WORK_OF_QUESTION } from '../node/work-kinds.ts';
import type { Settings } from '../settings.ts';
import { ALLOWED, DENIED, type Permission } from './answers.ts';
import type { Asker } from './asker.ts';
import { type AuthorizationRequest, type ClientInfo, isPromise } from './policies.ts';
import type { PolicyDesk } from './policy-desk.ts';

/** Longer topics are asked about each time: a set full of them would hold megabytes. */
const LONGEST_TOPIC = 512;

/** What it is asked of, whose time it is, and whose turn. */
export interface PermissionHost {
  readonly policies: Pick<PolicyDesk, 'generation' | 'mayPublish' | 'maySubscribe'>;
  readonly driverNode: { readonly turn: Pick<TurnBudget, 'spend'> };
  readonly settings: Settings;
  /** From milliseconds since 1970 to those of the broker. */
  fromWall(wallMs: number): number;
}

/**
 * What the Authorizer has said to a connection, until its rules change or the time that it said is over. A denial that came at once is
 * remembered like a permission, so that a flood of what is denied costs no more than one of what is allowed; what could not be
 * decided, and what a policy denies after a while (it may have a time of its own for it), are asked about again.
 */
export class PermissionCache {
  readonly #host: PermissionHost;
  readonly #asker: Asker;
  readonly #allowed = new Map<string, Permission>();
  readonly #denied = new Set<string>();
  /** What was allowed last: most clients publish to one topic, and a key for each of its messages would cost more than the rest. */
  #last: AuthorizationRequest | undefined;
  #lastPermission: Permission = ALLOWED;
  #generation = 0;
  #client: ClientInfo | undefined;

  constructor(host: PermissionHost, asker: Asker) {
    this.#host = host;
    this.#asker = asker;
  }

  decide(request: AuthorizationRequest, now: number): Permission | Promise<Permission> {
    const { policies } = this.#host;
    if (this.#generation !== policies.generation || this.#client !== request.client) {
      this.#generation = policies.generation;
      this.#client = request.client;
      this.#allowed.clear();
      this.#denied.clear();
      this.#last = undefined;
    }
    const { action, topic, qos, retain } = request;
    const last = this.#last;
    if (last?.topic === topic && last.action === action && last.qos === qos && last.retain === retain) {
      if (this.#isGood(this.#lastPermission, now)) return this.#lastPermission;
    }
    const key = `${action === 'publish' ? 'p' : 's'}${qos}${retain ? 'r' : '-'}${topic}`;
    const known = this.#allowed.get(key);
    if (known !== undefined && this.#isGood(known, now)) {
      this.#last = request;
      this.#lastPermission = known;
      return known;
    }
    if (this.#denied.has(key)) return DENIED;
    this.#host.driverNode.turn.spend(
      action === 'publish' ? PacketType.PUBLISH : PacketType.SUBSCRIBE,
      WORK_OF_QUESTION,
    );
    const permission =
      action === 'publish' ? policies.mayPublish(this.#asker, request) : policies.maySubscribe(this.#asker, request);
    if (!isPromise(permission)) {
      if (permission === DENIED) this.#rememberDenial(key);
      return this.#remember(key, permission);
    }
    const { generation } = policies;
    // Rules that have changed meanwhile have voided the answer: what it permits is not remembered.
    return permission.then((decided) =>
      generation === this.#host.policies.generation && this.#client === request.client
        ? this.#remember(key, decided)
        : decided,
    );
  }

  #rememberDenial(key: string): void {
    const most = this.#host.settings['limits.permissions'];
    if (key.length > LONGEST_TOPIC || most === 0) return;
    if (this.#denied.size >= most) this.#denied.clear();
    this.#denied.add(key);
  }

  /** Most permissions have no end, and no clock is read for them. */
  #isGood({ expiresAt }: Permission, now: number): boolean {
    return expiresAt === Number.POSITIVE_INFINITY || now < this.#host.fromWall(expiresAt);
  }

  #remember(key: string, permission: Permission): Permission {
    this.#allowed.delete(key);
    if (permission.decision !== 'allow') return permission;
    const most = this.#host.settings['limits.permissions'];
    if (key.length > LONGEST_TOPIC || most === 0) return permission;
    if (this.#allowed.size >= most) this.#allowed.clear();
    this.#allowed.set(key, permission);
    return permission;
  }
}
