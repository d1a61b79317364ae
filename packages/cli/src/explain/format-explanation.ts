import type { Explanation } from '@hawser/broker';
import { colors } from '../colors.ts';
import { EXPLAIN_WORDS, type ExplainLanguage } from './explain-words.ts';

const MOST_EVENTS = 15;

/** An explanation for people. */
export function formatExplanation(explanation: Explanation, language: ExplainLanguage): string {
  const words = EXPLAIN_WORDS[language];
  const { connected, verdict, events, losses, advice } = explanation;
  const mark = connected ? colors.green('●') : colors.red('●');
  const lines = [`${mark} ${printable(verdict)}`];
  if (events.length > 0) {
    lines.push('', colors.bold(words.events));
    const shown = events.slice(-MOST_EVENTS);
    if (shown.length < events.length) lines.push(`  ${words.more(events.length - shown.length)}`);
    for (const { at, text, code, reasonCode } of shown) {
      const hex = reasonCode === undefined ? '' : ` 0x${reasonCode.toString(16).toUpperCase().padStart(2, '0')}`;
      const tail = code === 'connected' ? '' : colors.dim(` [${code}${hex}]`);
      lines.push(`  ${at.slice(0, 19).replace('T', ' ')}  ${printable(text)}${tail}`);
    }
  }
  const negotiated = events.findLast((event) => event.negotiated !== undefined)?.negotiated;
  if (negotiated !== undefined)
    lines.push('', colors.bold(words.negotiated), `  ${printable(formatNegotiated(negotiated))}`);
  if (losses.length > 0) {
    lines.push('', colors.bold(words.lost));
    for (const { text, cause } of losses) lines.push(`  ${printable(text)}${colors.dim(` [${cause}]`)}`);
  }
  if (advice.length > 0) {
    lines.push('', colors.bold(words.advice));
    for (const sentence of advice) lines.push(`  - ${sentence}`);
  }
  return lines.join('\n');
}

/** `keepAlive 300 -> 60, cleanStart true` */
function formatNegotiated(negotiated: unknown): string {
  const rows = Object.entries(
    negotiated as Record<string, { readonly requested?: unknown; readonly effective?: unknown }>,
  );
  return rows
    .map(([name, { requested, effective }]) => {
      const changed = requested !== undefined && requested !== effective;
      return changed ? `${name} ${String(requested)} -> ${String(effective)}` : `${name} ${String(effective)}`;
    })
    .join(', ');
}

/** Texts of devices must not move the cursor of a terminal, nor clear it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\u{fffd}');
}
