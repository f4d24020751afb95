import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { clientLeft, responseEnd } from '../nest/transport/http-response.js';

/** A request of Express or Fastify, as far as the board knows it. */
export interface BoardRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: IncomingHttpHeaders;
  readonly body?: unknown;
}

/** A response of Express, which is Node's, or of Fastify, which has Node's. */
export type BoardResponse = ServerResponse | { readonly raw: ServerResponse; hijack(): void };

/** A viewer that reads too slowly misses updates and is sent the whole again by its reconnect. */
const MAX_BUFFERED_BYTES = 4_000_000;
/** Keeps proxies from ending a silent stream, and tells the page that it is there. */
const HEARTBEAT_MS = 15_000;
const ALIVE = 'event: alive\ndata: {}\n\n';

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** One exchange, on Node's own response: the same on every platform. */
export class BoardHttp {
  readonly #raw: ServerResponse;

  constructor(
    private readonly request: BoardRequest,
    response: BoardResponse,
  ) {
    if ('raw' in response) response.hijack();
    this.#raw = 'raw' in response ? response.raw : response;
  }

  /** Where the page finds what it loads, relative to its own address: a proxy may put a path before it. */
  get base(): string {
    const [path = ''] = (this.request.originalUrl ?? this.request.url).split('?');
    return path.endsWith('/') ? './' : `./${path.slice(path.lastIndexOf('/') + 1)}/`;
  }

  /** Whether the board's own page asks: no other site can send this header unasked, nor claim this origin. */
  get isFromPage(): boolean {
    const { headers } = this.request;
    if (headers['x-lock-board'] !== 'release') return false;
    const site = headers['sec-fetch-site'];
    if (site !== undefined) return site === 'same-origin';
    // HTTP/2 has a name of its own for the host.
    const host = headers[':authority'] ?? headers.host;
    return headers.origin !== undefined && hostOf(headers.origin) === host;
  }

  send(status: number, type: string, body: string): void {
    this.#raw.writeHead(status, { ...SECURITY_HEADERS, 'content-type': type }).end(body);
  }

  json(status: number, body: object): void {
    this.send(status, 'application/json; charset=utf-8', JSON.stringify(body));
  }

  /** Begins a stream of server-sent events; `undefined` when nobody reads it. */
  stream(): EventStream | undefined {
    // While a guard decides a viewer may leave: that it closes has been told before we listen.
    if (clientLeft(this.#raw)) return undefined;
    const type = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    // A server that closes would wait for a connection that is kept for more requests.
    this.#raw.shouldKeepAlive = false;
    this.#raw.writeHead(200, { ...SECURITY_HEADERS, ...type });
    if (this.request.method === 'HEAD') {
      this.#raw.end();
      return undefined;
    }
    return new EventStream(this.#raw);
  }
}

/** Server-sent events to one viewer. */
export class EventStream {
  readonly #heartbeat: NodeJS.Timeout;

  constructor(private readonly response: ServerResponse) {
    this.#heartbeat = setInterval(() => this.#write(ALIVE), HEARTBEAT_MS).unref();
    this.onClose(() => clearInterval(this.#heartbeat));
    this.#write('retry: 1000\n\n');
  }

  send(data: object): void {
    if (this.response.writableLength > MAX_BUFFERED_BYTES) this.response.destroy();
    else this.#write(`data: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    this.response.end();
  }

  onClose(close: () => void): void {
    void responseEnd(this.response).then(close);
  }

  /** What compresses responses holds text back until it is told not to. */
  #write(text: string): void {
    if (this.response.destroyed) return;
    this.response.write(text);
    (this.response as { flush?: () => void }).flush?.();
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
