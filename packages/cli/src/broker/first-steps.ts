import { parseListenUrl } from '@hawser/transport';

/** A first thing to try against a broker that listens at `urls`: lines of text. */
export function firstSteps(urls: readonly string[]): string[] {
  const url = urls.find((candidate) => candidate.startsWith('mqtt://')) ?? urls[0];
  if (url === undefined) return [];
  const { transport, host, port } = parseListenUrl(url);
  // What listens everywhere is reached here by the name of this machine's loopback.
  const reachable = host === '' || host === '::' || host === '0.0.0.0' ? 'localhost' : host;
  const isDefault = transport === 'tcp' && port === 1883 && (reachable === '127.0.0.1' || reachable === 'localhost');
  const where = isDefault ? '' : ` -L ${url.replace(/\/\/(\[::\]|0\.0\.0\.0)/, `//${reachable}`)}`;
  const lines = [
    'Try it, each in a terminal of its own:',
    `  hawser sub${where} -v -t 'harbour/#'`,
    `  hawser pub${where} -t harbour/bell -m 'eight bells'`,
  ];
  if (transport === 'tcp') {
    const mosquitto = `${reachable === 'localhost' || isDefault ? '' : ` -h ${reachable}`}${port === 1883 ? '' : ` -p ${port}`}`;
    lines.push('or with what you have:', `  mosquitto_sub${mosquitto} -v -t 'harbour/#'`);
  }
  return lines;
}
