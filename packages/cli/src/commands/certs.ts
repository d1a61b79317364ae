import { resolve } from 'node:path';
import { Command } from 'commander';
import { print } from '../output.ts';
import { shellWord } from '../shell-word.ts';

interface CertsFlags {
  readonly dir: string;
  readonly host?: readonly string[];
  readonly client: string;
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `hawser certs`: a CA, a server's and a client's certificate for development. */
export function certsCommand(): Command {
  return new Command('certs')
    .description('make a development CA, a server certificate and a client certificate')
    .helpOption('-h, --help', 'print this help')
    .option('-d, --dir <dir>', 'where they are written', './certs')
    .option('--host <name>', 'DNS name or IP address of the server; repeat for more (default: this machine)', append)
    .option('--client <name>', 'common name of the client certificate', 'client')
    .action(async (flags: CertsFlags) => {
      const { certificateFiles, localNames, writeCertificates } = await import('../certs/certificate-files.ts');
      const directory = resolve(flags.dir);
      const hosts = flags.host ?? localNames();
      const written = await writeCertificates(directory, hosts, flags.client);
      const { ca, serverCert, serverKey } = certificateFiles(directory);
      const client = written.at(-2) ?? '';
      const yaml = [ca, serverCert, serverKey].map((path) => JSON.stringify(path));
      const lines = [
        ...written.map((file) => `wrote ${file}`),
        '',
        'A broker shows the certificate and asks its clients for theirs with (hawser broker --config FILE):',
        '  listeners:',
        '    - url: mqtts://0.0.0.0:8883',
        `      tls: { cert: ${yaml[1]}, key: ${yaml[2]}, ca: ${yaml[0]}, verify: required }`,
        '',
        `It is for ${hosts.join(', ')}. Clients trust it with:`,
        `  hawser sub -L mqtts://${urlHost(hosts[0] ?? 'localhost')}:8883 --ca ${shellWord(ca)} -t '#'`,
        'and show who they are (verify: required) with:',
        `  --cert ${shellWord(client)} --key ${shellWord(client.replace(/\.crt$/, '.key'))}`,
        'For development only: whoever has ca.key can be anybody.',
      ];
      print(`${lines.join('\n')}\n`);
    });
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
