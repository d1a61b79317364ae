import type { ClosedBy } from '@hawser/protocol';
import type { LossCause } from '../causes/losses.ts';

/** What a broker has counted since it started. */
export class Counters {
  connectionsAccepted = 0;
  connectionsRefused = 0;
  messagesIn = 0;
  payloadBytesIn = 0;
  /** PUBLISH packets to members of fan-out groups, counted with each frame; the slab counts those of single connections. */
  groupMessagesOut = 0;
  groupPayloadBytesOut = 0;
  /** Of connections that have ended, as are the packets. */
  bytesIn = 0;
  bytesOut = 0;
  packetsIn = 0;
  packetsOut = 0;
  publishesDenied = 0;
  /** PUBLISH packets that were not taken because nobody could say whether they are permitted. */
  publishesUndecided = 0;
  subscribesDenied = 0;
  /** Subscriptions that nothing is delivered for since the rules have changed. */
  subscriptionsSuspended = 0;
  takeovers = 0;
  /** Logins with a wrong user name or password. */
  failedLogins = 0;
  /** Clients that hung up while their credentials were being checked. */
  abandonedLogins = 0;
  /** Connections refused because their address or Client Identifier is banned. */
  bannedConnections = 0;
  /** Connections refused by a bound for one address, one user or a rate. */
  limitedConnections = 0;
  /** Newcomers refused because the event loop was late. */
  overloadRefusals = 0;
  /** Times that a client was not read because it sent faster than it may. */
  ratePauses = 0;
  /** Connections refused because their Client Identifier belongs to another user. */
  foreignClientIds = 0;
  /** Connections ended because their credentials had. */
  credentialsExpired = 0;
  /** HTTP requests refused by a rate, and connections over their bound. */
  apiRequestsLimited = 0;
  /** Passwords and tokens shown to the HTTP API that were wrong. */
  apiFailedLogins = 0;
  /** Logins to the HTTP API that were not looked at: too many have failed. */
  apiLoginsLimited = 0;
  /** Sessions of the HTTP API that ended to make room. */
  apiSessionsEvicted = 0;
  sessionsExpired = 0;
  backpressurePauses = 0;
  /** Subscribers that began to lose QoS 0 because they did not read. */
  slowConsumers = 0;
  /** Clients that were not read for a while because they did not take their answers, or the disk was behind. */
  readingPauses = 0;
  /** Times that a client's packets were put off to a later turn of the event loop because they took long. */
  turnsYielded = 0;
  /** CONNECTs and subscriptions refused, and QoS 2 messages, because a session or all of them have as much as they may. */
  quotaRefusals = 0;
  /** Connections ended because a packet was over a bound: too large, too deep, too many, too long. */
  limitClosures = 0;
  /** Connections ended because too many parts of packets were held. */
  inputOverflows = 0;
  /** Topics whose receivers were forgotten to make room. */
  routesEvicted = 0;
  /** Connections that were not let in, by code. */
  readonly refused: Record<string, number> = {};
  /** Connections that were let in and have ended, by who ended them, and by code. */
  readonly closed: Record<ClosedBy, Record<string, number>> = { peer: {}, self: {}, network: {} };
  /** Messages lost, by cause. */
  readonly lost: Partial<Record<LossCause, number>> = {};

  countRefused(code: string): void {
    this.connectionsRefused++;
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  countClosed(by: ClosedBy, code: string): void {
    const codes = this.closed[by];
    codes[code] = (codes[code] ?? 0) + 1;
  }

  countLost(cause: LossCause, count = 1): void {
    this.lost[cause] = (this.lost[cause] ?? 0) + count;
  }
}
