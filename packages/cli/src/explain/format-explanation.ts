import type { Explanation } from '@hawser/broker';
import { colors } from '../colors.ts';
import { wrap } from '../format/wrap.ts';
import { EXPLAIN_WORDS, type ExplainLanguage } from './explain-words.ts';

const MOST_EVENTS = 15;
/** Below the sentence of an event. */
const INDENT = ' '.repeat(23);

/** An explanation for people; `width`: columns of the terminal, where it is one. */
export function formatExplanation(
  explanation: Explanation,
  language: ExplainLanguage,
  width: number = Number.POSITIVE_INFINITY,
): string {
  const words = EXPLAIN_WORDS[language];
  const { connected, verdict, events, losses, advice } = explanation;
  const mark = connected ? colors.green('●') : colors.red('●');
  const lines = [wrap(`${mark} ${printable(verdict)}`, width, '  ')];
  if (events.length > 0) {
    lines.push('', colors.bold(words.events));
    const shown = events.slice(-MOST_EVENTS);
    if (shown.length < events.length) lines.push(`  ${words.more(events.length - shown.length)}`);
    for (const { at, text, code, reasonCode } of shown) {
      const hex = reasonCode === undefined ? '' : ` 0x${reasonCode.toString(16).toUpperCase().padStart(2, '0')}`;
      const tail = code === 'connected' ? '' : colors.dim(` [${code}${hex}]`);
      lines.push(wrap(`  ${at.slice(0, 19).replace('T', ' ')}  ${printable(text)}${tail}`, width, INDENT));
    }
  }
  const negotiated = events.findLast((event) => event.negotiated !== undefined)?.negotiated;
  if (negotiated !== undefined)
    lines.push(
      '',
      colors.bold(words.negotiated),
      wrap(`  ${printable(formatNegotiated(negotiated, words.own))}`, width, '  '),
    );
  if (losses.length > 0) {
    lines.push('', colors.bold(words.lost));
    for (const { text, cause } of losses)
      lines.push(wrap(`  ${printable(text)}${colors.dim(` [${cause}]`)}`, width, '    '));
  }
  if (advice.length > 0) {
    lines.push('', colors.bold(words.advice));
    for (const sentence of advice) lines.push(wrap(`  - ${sentence}`, width, '    '));
  }
  return lines.join('\n');
}

/** What each side says of what it takes itself: nothing of the one becomes the other's. */
const OF_EACH_SIDE: ReadonlySet<string> = new Set(['receiveMaximum', 'maximumPacketSize', 'topicAliasMaximum']);

/** `keepAlive 300 -> 60, cleanStart true, receiveMaximum 1024 (its own: 20)` */
function formatNegotiated(negotiated: unknown, own: (value: string) => string): string {
  const rows = Object.entries(
    negotiated as Record<string, { readonly requested?: unknown; readonly effective?: unknown }>,
  );
  return rows
    .map(([name, { requested, effective }]) => {
      const isOfEach = OF_EACH_SIDE.has(name);
      if (requested === undefined || (requested === effective && !isOfEach)) return `${name} ${String(effective)}`;
      if (isOfEach) return `${name} ${String(effective)}${own(String(requested))}`;
      return `${name} ${String(requested)} -> ${String(effective)}`;
    })
    .join(', ');
}

/** Texts of devices must not move the cursor of a terminal, nor clear it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\u{fffd}');
}
