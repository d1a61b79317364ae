import type { CloseDetail, CloseDetails } from '@hawser/protocol';
import { ATTEMPT_SENTENCES, type AttemptDetail, type AttemptFigures } from '@hawser/transport';
import { ADMISSION_SENTENCES } from './admission-sentences.ts';
import { MESSAGE_SENTENCES } from './message-sentences.ts';
import { PACKET_SENTENCES } from './packet-sentences.ts';
import type { Language, Sentence } from './words.ts';

/** What there is to say about an end, a refusal or an attempt, as data. */
export type Detail = CloseDetail | AttemptDetail;

interface Figures extends CloseDetails, AttemptFigures {}

type Sentences = { readonly [Is in keyof Figures]: Sentence<Figures[Is]> };

/** A sentence for each detail: the compiler holds the list to `CloseDetails` and `AttemptFigures`. */
const SENTENCES: Sentences = {
  ...ATTEMPT_SENTENCES,
  ...PACKET_SENTENCES,
  ...ADMISSION_SENTENCES,
  ...MESSAGE_SENTENCES,
  plain: { en: (_, meaning) => meaning, zh: (_, meaning) => meaning },
  said: { en: ({ text }) => text, zh: ({ text }, meaning) => `${meaning}（${text}）` },
  disconnected: {
    en: ({ said }, meaning) => (said === undefined ? meaning : `${meaning} ("${said}")`),
    zh: ({ said }, meaning) => (said === undefined ? meaning : `${meaning}（“${said}”）`),
  },
  'network-broke': {
    en: ({ why }) => `the network connection broke: ${why}`,
    zh: ({ why }) => `网络连接中断：${why}`,
  },
  'keep-alive-over': {
    en: ({ gapSeconds, keepAlive }) =>
      `nothing came from it for ${gapSeconds.toFixed(1)} s, and its Keep Alive of ${keepAlive} s allows ${keepAlive * 1.5} s`,
    zh: ({ gapSeconds, keepAlive }) =>
      `有 ${gapSeconds.toFixed(1)} 秒没有收到它的任何报文，而其 Keep Alive ${keepAlive} 秒最多允许 ${keepAlive * 1.5} 秒`,
  },
  'taken-over': {
    en: ({ by }) => `another client connected with the same Client Identifier from ${by} and took the session over`,
    zh: ({ by }) => `另一个客户端从 ${by} 使用相同的 Client ID 连接，接管了会话`,
  },
  'credentials-expired': {
    en: () => 'the credentials of this connection have expired',
    zh: () => '该连接的凭据已过期',
  },
  'session-cleared': {
    en: () => 'an operator cleared its session',
    zh: () => '管理员清除了它的会话',
  },
};

/** Whether something is a detail that there is a sentence for; a file may be of another version, and a policy may answer anything. */
export function hasSentence(value: unknown): value is Detail {
  return (
    typeof value === 'object' &&
    value !== null &&
    'is' in value &&
    typeof value.is === 'string' &&
    Object.hasOwn(SENTENCES, value.is)
  );
}

/** The sentence of a detail; undefined: there is none, a broker of another version has written it down. */
export function sentenceOf(detail: Detail, meaning: string, language: Language): string | undefined {
  return hasSentence(detail) ? say(detail, meaning, language) : undefined;
}

function say<Is extends keyof Figures>(
  detail: { readonly is: Is } & Figures[Is],
  meaning: string,
  language: Language,
): string {
  const sentence: Sentence<Figures[Is]> = SENTENCES[detail.is];
  return sentence[language](detail, meaning);
}
