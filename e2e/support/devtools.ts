import type { ChildProcess } from 'node:child_process';

/** What a browser is told over the DevTools protocol. */
export interface DevTools {
  /** Opens a tab in front: whatever tab was there is hidden from then on. */
  openTab(url: string): Promise<void>;
  close(): void;
}

/** Connects to a Chromium that was started with `--remote-debugging-port=0` and its stderr piped. */
export async function devToolsOf(chromium: ChildProcess): Promise<DevTools> {
  const socket = new WebSocket(await addressOf(chromium));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('no DevTools'));
  });
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  socket.onmessage = ({ data }) => {
    const { id, result, error } = JSON.parse(String(data));
    if (error) waiting.get(id)?.reject(new Error(error.message));
    else waiting.get(id)?.resolve(result);
  };
  const send = (method: string, params: object): Promise<Record<string, unknown>> => {
    const id = waiting.size + 1;
    const answer = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(id, answer);
    socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  };
  return {
    async openTab(url) {
      const { targetId } = await send('Target.createTarget', { url });
      await send('Target.activateTarget', { targetId });
    },
    close: () => socket.close(),
  };
}

function addressOf({ stderr }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    stderr?.on('data', (chunk: Buffer) => {
      said += chunk;
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
}
