import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a server's certificate, and the authority that vouches for it. */
export interface TestCertificate {
  readonly ca: string;
  /** Options of redis-server that make it take TLS connections only, on its usual port. */
  serverArgs(port: number): string[];
}

/** Makes an authority and a certificate for 127.0.0.1 in `dir`. */
export function makeCertificate(dir: string): TestCertificate {
  const file = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'ignore' });
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const forOneDay = ['-x509', '-days', '1'];
  openssl(
    ...['req', ...forOneDay, ...curve, '-subj', '/CN=Test authority'],
    ...['-keyout', file('ca.key'), '-out', file('ca.crt')],
  );
  openssl(
    ...['req', ...forOneDay, ...curve, '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-CA', file('ca.crt'), '-CAkey', file('ca.key')],
    ...['-keyout', file('server.key'), '-out', file('server.crt')],
  );
  return {
    ca: readFileSync(file('ca.crt'), 'utf8'),
    serverArgs: (port) => [
      ...['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no'],
      ...['--tls-ca-cert-file', file('ca.crt')],
      ...['--tls-cert-file', file('server.crt'), '--tls-key-file', file('server.key')],
    ],
  };
}
