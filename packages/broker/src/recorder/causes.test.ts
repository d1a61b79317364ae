import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allowedReasonCodes, PacketReader, ReasonCode, reasonCodeName } from '@hawser/codec';
import { describe, expect, it } from 'vitest';
import { CAUSES, causeSentence, LOSSES, SESSION_ENDS, WARNINGS } from './causes.ts';
import { COMPLAINTS, complaintSentence } from './complaints.ts';

const packages = fileURLToPath(new URL('../../../', import.meta.url));

/** What only a client runs: its errors are its own. */
const CLIENT_SIDE = /dial|client-connection|listen-error|listen-url|tls-reload|memory\.ts/;

function sources(folder: string): { readonly file: string; readonly text: string }[] {
  return readdirSync(join(packages, folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('testing'))
    .filter((file) => !CLIENT_SIDE.test(file) && !file.startsWith('recorder'))
    .map((file) => ({
      file: `${folder}/src/${file}`,
      text: readFileSync(join(packages, folder, 'src', file), 'utf8'),
    }));
}

/** Every code that a pattern finds, with the files it stands in. */
function codesOf(folders: readonly string[], patterns: readonly RegExp[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { file, text } of folders.flatMap(sources)) {
    for (const pattern of patterns) for (const [, code] of text.matchAll(pattern)) found.set(code ?? '', file);
  }
  return found;
}

const QUOTED = String.raw`\s*'([a-z0-9]+(?:-[a-z0-9]+)*)'`;

/** Errors of the codec and the protocol, ends by name, refusals of listeners. */
const ENDS = [
  new RegExp(String.raw`new (?:MalformedPacketError|ProtocolError|WebSocketError)\(${QUOTED}`, 'g'),
  new RegExp(String.raw`(?:malformed|violation|fault)\([^,]+,${QUOTED}`, 'g'),
  new RegExp(String.raw`\.(?:fail|refuse|disconnect|close)\(${QUOTED}`, 'g'),
  new RegExp(String.raw`(?:attempts\.refuse|this\.refuse|#tell)\(\s*[\w.]+,\s*[^,]+,${QUOTED}`, 'g'),
  new RegExp(String.raw`#refused\(\s*[\w.]+,${QUOTED}`, 'g'),
  new RegExp(String.raw`\bcode(?: =|:) [^;,'\n]*[?:]${QUOTED}`, 'g'),
  new RegExp(String.raw`(?<=\bconst code = [^;\n]*[?:])${QUOTED}`, 'g'),
  new RegExp(String.raw`'tls' \?${QUOTED}`, 'g'),
  new RegExp(String.raw`'tls' \? '[a-z-]+' :${QUOTED}`, 'g'),
  new RegExp(String.raw`: \{ cause:${QUOTED}, text`, 'g'),
  new RegExp(String.raw`return \{ cause:${QUOTED}, text`, 'g'),
  new RegExp(String.raw`\bcode:${QUOTED}`, 'g'),
  new RegExp(String.raw`: \{ code:${QUOTED}`, 'g'),
];

describe('the table of causes', () => {
  it('has words for every code that an end or a refusal can have', () => {
    const codes = codesOf(['codec', 'protocol', 'transport', 'broker'], ENDS);
    const missing = [...codes].filter(([code]) => !(code in CAUSES) && !(code in USAGE) && !(code in FROM_SERVERS));
    expect(missing).toEqual([]);
    // Should the way in which the sources name their codes change, this looks for them in vain.
    const names = new Set(Object.values(ReasonCode).map(reasonCodeName));
    const unseen = Object.keys(CAUSES).filter((code) => !codes.has(code) && !names.has(code) && !(code in RECORDED));
    expect(unseen).toEqual([]);
  });

  it('has words for every Reason Code that a connection can be refused with, and for those that clients send', () => {
    const namesOf = (codes: readonly number[]) => codes.filter((code) => code >= 0x80).map(reasonCodeName);
    expect(namesOf(allowedReasonCodes.CONNACK).filter((code) => !(code in CAUSES))).toEqual([]);
    expect(namesOf(allowedReasonCodes['DISCONNECT to-server']).filter((code) => !(code in COMPLAINTS))).toEqual([]);
  });

  it('has words for every cause of a loss', () => {
    const literals = [
      ...codesOf(
        ['broker'],
        [new RegExp(String.raw`[cC]ountLost\((?:\w+, )?${QUOTED}`, 'g'), new RegExp(`cause:${QUOTED}, text`, 'g')],
      ),
      ...codesOf(['protocol'], [new RegExp(String.raw`(?:#drop|onDropped|#lose|\blose)\(${QUOTED}`, 'g')]),
    ];
    const observer = readFileSync(new URL('./observer.ts', import.meta.url), 'utf8');
    const session = sources('protocol')
      .map(({ text }) => text)
      .join('\n');
    const union = (text: string, name: string) => new RegExp(`type ${name} =([^;]+);`).exec(text)?.[1] ?? '';
    const members = [union(observer, 'LossCause'), union(session, 'DropCause')].flatMap((text) => [
      ...text.matchAll(/'([a-z0-9-]+)'/g),
    ]);
    const codes = new Set([...literals.map(([code]) => code), ...members.map(([, code]) => code ?? '')]);
    expect(codes.size).toBeGreaterThan(10);
    expect([...codes].filter((code) => !(code in LOSSES))).toEqual([]);
  });

  it('has words for every end of a session and every warning', () => {
    const observer = readFileSync(new URL('./observer.ts', import.meta.url), 'utf8');
    const causes = /cause: ((?:'[a-z-]+'(?: \| )?)+);\n {2}readonly queued/.exec(observer)?.[1] ?? '';
    const ends = [...causes.matchAll(/'([a-z-]+)'/g)].map(([, cause]) => `session-${cause}`);
    expect(ends.length).toBeGreaterThan(3);
    expect(ends.filter((code) => !(code in SESSION_ENDS))).toEqual([]);
    const warnings = codesOf(['broker', 'auth'], [new RegExp(String.raw`onWarning\?*\.?\(${QUOTED}`, 'g')]);
    expect(warnings.size).toBeGreaterThan(5);
    expect([...warnings].filter(([code]) => !(code in WARNINGS))).toEqual([]);
  });

  it('has every sentence in both languages, and the figures that its pattern finds', () => {
    for (const [code, words] of [
      ...Object.entries(CAUSES),
      ...Object.entries(COMPLAINTS),
      ...Object.entries(LOSSES),
      ...Object.entries(SESSION_ENDS),
    ]) {
      for (const text of [words.meaning, words.advice, words.figures?.sentence]) {
        if (text === undefined) continue;
        expect(text.en, code).toMatch(/[a-z]/);
        expect(text.zh, code).toMatch(/\p{Script=Han}/u);
        expect(text.en, code).not.toMatch(/\p{Script=Han}/u);
        const names = (sentence: string) => new Set([...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
        expect(names(text.zh), code).toEqual(names(text.en));
        for (const name of names(text.en)) expect(words.figures?.pattern.source, code).toContain(`(?<${name}>`);
      }
    }
  });

  it('finds the figures in what the codec says', () => {
    const reader = new PacketReader(5);
    reader.push(new Uint8Array([0x30, 7]));
    expect(() => reader.next()).toThrow(
      expect.objectContaining({
        message: expect.toSatisfy((text: string) =>
          causeSentence(CAUSES['packet-too-large'], text, 'en').includes('of 9 bytes, and 5 bytes'),
        ),
      }),
    );
  });

  it('says in brackets what it has no sentence for', () => {
    expect(causeSentence(CAUSES['invalid-qos'], 'QoS 3 in a PUBLISH', 'zh')).toMatch(/QoS 为 3（QoS 3 in a PUBLISH）/);
    expect(causeSentence(CAUSES['normal-disconnection'], 'the client sent DISCONNECT', 'zh')).not.toMatch(/sent/);
    expect(causeSentence(undefined, 'said', 'en')).toBe('said');
  });

  it('does not take what a client says for what the broker says', () => {
    const words = COMPLAINTS['packet-too-large'];
    expect(complaintSentence(words, 'the client sent DISCONNECT 0x95: 70 kB', 'en')).toBe(
      'the client sent DISCONNECT 0x95: it was sent a packet that is larger than it takes ("70 kB")',
    );
    expect(complaintSentence(words, 'the client sent DISCONNECT 0x95', 'zh')).toBe(
      '客户端发送了 DISCONNECT 0x95：它收到的报文超过了它能接受的大小',
    );
    expect(complaintSentence(undefined, 'said', 'zh')).toBe('said');
  });
});

/** What the recorder writes down by itself. */
const RECORDED: Readonly<Record<string, true>> = { connected: true, 'broker-ended': true };
/** What is wrong with packets that only a client reads. */
const FROM_SERVERS: Readonly<Record<string, true>> = {
  'session-present-with-refusal': true,
  'session-expiry-from-server': true,
  'no-reason-codes': true,
};
/** Errors of callers in the same process, and of what is not a connection. */
const USAGE: Readonly<Record<string, true>> = { 'unknown-key': true, 'bad-value': true };
