import { describe, expect, it } from 'vitest';
import { firstSteps } from './first-steps.ts';

describe('firstSteps', () => {
  it('needs no address where the default one is listened on', () => {
    expect(firstSteps(['mqtt://127.0.0.1:1883', 'ws://127.0.0.1:8083/mqtt'])).toContain(
      "  mosquitto_sub -v -t 'harbour/#'",
    );
    expect(firstSteps(['mqtt://0.0.0.0:1883'])).toContain("  npx hawser sub -v -t 'harbour/#'");
  });

  it('names the address otherwise', () => {
    const lines = firstSteps(['ws://127.0.0.1:8083/mqtt', 'mqtt://192.0.2.1:1999']);
    expect(lines).toContain("  npx hawser sub -L mqtt://192.0.2.1:1999 -v -t 'harbour/#'");
    expect(lines).toContain("  mosquitto_sub -h 192.0.2.1 -p 1999 -v -t 'harbour/#'");
    expect(firstSteps(['mqtt://[::]:1999'])).toContain("  npx hawser sub -L mqtt://localhost:1999 -v -t 'harbour/#'");
  });

  it('says whom to trust where there is a development certificate', () => {
    const urls = ['mqtt://127.0.0.1:1883', 'mqtts://127.0.0.1:8883', 'wss://127.0.0.1:8084/mqtt'];
    expect(firstSteps(urls).join()).not.toContain('mqtts');
    const lines = firstSteps(urls, "/srv/it's here/ca.crt");
    expect(lines).toContain(
      "  npx hawser sub -L mqtts://127.0.0.1:8883 --ca '/srv/it'\\''s here/ca.crt' -v -t 'harbour/#'",
    );
    expect(firstSteps(['mqtts://[::]:8884'], '/srv/ca.crt')).toContain(
      "  mosquitto_sub -h localhost -p 8884 --cafile /srv/ca.crt -v -t 'harbour/#'",
    );
  });

  it('has the flags that the listener asks for', () => {
    const certificate = { cert: '/c/client.crt', key: '/c/client.key' };
    const lines = firstSteps(['mqtts://127.0.0.1:8883'], undefined, () => ({
      ca: '/c/ca.crt',
      certificate,
      user: true,
    }));
    const flags = '--ca /c/ca.crt --cert /c/client.crt --key /c/client.key -u USER -P PASSWORD';
    expect(lines).toContain(`  npx hawser sub -L mqtts://127.0.0.1:8883 ${flags} -v -t 'harbour/#'`);
    expect(firstSteps(['mqtt://127.0.0.1:1883'], undefined, () => ({ user: true }))).toContain(
      "  mosquitto_sub -u USER -P PASSWORD -v -t 'harbour/#'",
    );
  });

  it('speaks of mosquitto only where there is plain TCP', () => {
    expect(firstSteps(['ws://127.0.0.1:8083/mqtt'])).toEqual([
      'Try it, each in a terminal of its own:',
      "  npx hawser sub -L ws://127.0.0.1:8083/mqtt -v -t 'harbour/#'",
      "  npx hawser pub -L ws://127.0.0.1:8083/mqtt -t harbour/bell -m 'eight bells'",
    ]);
    expect(firstSteps([])).toEqual([]);
  });
});
