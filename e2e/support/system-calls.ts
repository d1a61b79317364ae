/** A system call of `strace -f -y -xx`, with the lines at which it began and returned. */
export interface SystemCall {
  readonly name: string;
  /** What the file descriptor stands for: a path, `socket:[123]`, `TCP:[…]`. */
  readonly path: string;
  /** What was written, as hexadecimal digits. */
  readonly data: string;
  /** The whole call as strace wrote it, with what it returned. */
  readonly text: string;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** Reads a trace; calls in the order in which they returned. A call that another thread interrupted stands in two lines. */
export function readTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { readonly words: string; readonly line: number }>();
  for (const [line, words] of text.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(words) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(thread, { words: rest, line });
      continue;
    }
    const before = unfinished.get(thread);
    if (rest.startsWith('<... ') && before !== undefined) {
      unfinished.delete(thread);
      calls.push(toCall(join(before.words, rest), before.line, line));
    } else if (/^\w+\(/.test(rest)) calls.push(toCall(rest, line, line));
  }
  return calls;
}

function toCall(words: string, beganAt: number, endedAt: number): SystemCall {
  const [name = ''] = /^\w+/.exec(words) ?? [];
  const [, rawPath = ''] = /^\w+\(\d+<((?:\\x[0-9a-f]{2}|[^>])*)>/.exec(words) ?? [];
  const data = [...words.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)]
    .map(([, escaped = '']) => escaped.replaceAll('\\x', ''))
    .join('');
  return { name, path: plain(rawPath), data, text: words, beganAt, endedAt };
}

function join(began: string, ended: string): string {
  return began.replace(/ ?<unfinished \.\.\.>$/, '') + ended.slice(ended.indexOf('resumed>') + 'resumed>'.length);
}

/** `-xx` writes paths in hexadecimal too. */
export function plain(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
