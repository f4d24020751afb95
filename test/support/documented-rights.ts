import { readFileSync } from 'node:fs';

/**
 * The rules of `ACL SETUSER` that docs/redis-keys.md gives to the user `locks`: what one server
 * needs, then what a Cluster needs beside it.
 */
export function documentedRights(): { readonly server: string[]; readonly cluster: string[] } {
  const text = readFileSync(new URL('../../docs/redis-keys.md', import.meta.url), 'utf8');
  const [server, cluster] = [...text.matchAll(/^ACL SETUSER locks (.+)$/gm)].map(([, rules]) =>
    rules!.split(' '),
  );
  if (server === undefined || cluster === undefined) throw new Error('The docs name no rights.');
  return { server, cluster: [...server, ...cluster] };
}
