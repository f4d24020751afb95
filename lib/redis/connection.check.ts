const FORM = /^(rediss?:\/\/|unix:\/\/|\/)/;

/** What is wrong with a connection URL; `undefined`: nothing. Never shows what may be a password. */
export function faultOfUrl(text: string, forms: string): string | undefined {
  if (!FORM.test(text)) {
    const shown = /[@?]/.test(text) ? 'another text' : JSON.stringify(text);
    return `connection must be ${forms}, got ${shown}.`;
  }
  if (!text.startsWith('redis')) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) {
    return 'connection is no valid URL (not shown, as it may hold a password); encode special characters in it.';
  }
  if (/^\/?\d*$/.test(url.pathname)) return undefined;
  return `connection must name its database by number, got ${JSON.stringify(url.pathname)} in the URL.`;
}
