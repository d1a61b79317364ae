import { type CauseWords, cause, words } from './words.ts';

/** What ends a session. */
export type SessionEnd = 'expired' | 'clean-start' | 'closed' | 'cleared';

/** Why a session ended. */
export const SESSION_ENDS = {
  'session-expired': cause(
    words(
      'its Session Expiry Interval had passed since the connection ended',
      '连接结束后已超过 Session Expiry Interval',
    ),
    words(
      'Ask for a longer Session Expiry Interval if messages are to wait for longer absences (3.x: `sessions.expiry3`).',
      '如果消息需要等待更长的离线时间，请设置更大的 Session Expiry Interval（3.x：`sessions.expiry3`）。',
    ),
  ),
  'session-clean-start': cause(
    words(
      'the client connected with Clean Start, which discards the old session',
      '客户端以 Clean Start 连接，旧会话被丢弃',
    ),
    words(
      'Connect with Clean Start false (`--no-clean`) to keep subscriptions and waiting messages.',
      '若要保留订阅和等待的消息，请以 Clean Start false（`--no-clean`）连接。',
    ),
  ),
  'session-closed': cause(
    words(
      'it ended with its connection: the client had set its Session Expiry Interval to 0, in the CONNECT or the DISCONNECT',
      '会话随连接结束：客户端在 CONNECT 或 DISCONNECT 中把 Session Expiry Interval 设为 0',
    ),
    words(
      'Ask for a Session Expiry Interval over 0 (`-x`) to keep the session.',
      '若要保留会话，请设置大于 0 的 Session Expiry Interval（`-x`）。',
    ),
  ),
  'session-cleared': cause(words('an operator cleared it', '管理员清除了会话')),
} satisfies Record<`session-${SessionEnd}`, CauseWords>;
