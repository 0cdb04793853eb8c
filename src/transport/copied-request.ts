import type { HttpRequest as NativeRequest, HttpResponse as NativeResponse } from 'uWebSockets.js';
import type { HttpRequest } from '../core/contracts/http.ts';
import type { ClientIp } from './client-ip.ts';

/** As text; a system call. */
export function remoteAddress(res: NativeResponse): string {
  return Buffer.from(res.getRemoteAddressAsText()).toString('latin1');
}

const NO_BODY = Buffer.alloc(0);

/** What is copied of a native request before the first await, after which it is gone. */
export class CopiedRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly fullPath: string;
  readonly query: string;
  readonly #headers = new Map<string, string>();
  readonly #res: NativeResponse;
  readonly #forwardedFor: string;
  readonly #clientIp: ClientIp;
  #body: Buffer = NO_BODY;
  #ip: string | undefined;
  #nativeGone = false;

  constructor(req: NativeRequest, res: NativeResponse, pathPrefix: string, clientIp: ClientIp) {
    this.method = req.getCaseSensitiveMethod().toUpperCase();
    this.fullPath = req.getUrl();
    this.path =
      pathPrefix !== '' && this.fullPath.startsWith(`${pathPrefix}/`)
        ? this.fullPath.slice(pathPrefix.length)
        : this.fullPath;
    // Its declaration does not say so, but it is undefined if the URL has no question mark.
    this.query = req.getQuery() ?? '';
    this.#res = res;
    this.#forwardedFor = clientIp.forwardedFor(req);
    this.#clientIp = clientIp;
  }

  get headers(): ReadonlyMap<string, string> {
    return this.#headers;
  }

  get body(): Buffer {
    return this.#body;
  }

  /**
   * Looked up when it is first asked for, as it takes a system call and most requests never need it. Empty if that is
   * too late.
   */
  get ip(): string {
    if (this.#ip === undefined && !this.#nativeGone) {
      this.#ip = this.#clientIp.resolve(remoteAddress(this.#res), this.#forwardedFor);
    }
    return this.#ip ?? '';
  }

  /** Whether a trusted proxy says that the client came to it over TLS; to be asked as long as `ip` may be. */
  get cameOverTls(): boolean {
    const { headers } = this;
    return this.#clientIp.saysTls(remoteAddress(this.#res), headers.get('x-forwarded-proto') ?? '');
  }

  /** It has been answered, or the client has gone: the native response must not be touched any more. */
  leaveNative(): void {
    this.#nativeGone = true;
  }

  copyHeaders(req: NativeRequest, names: readonly string[] | 'all'): void {
    if (names === 'all') {
      req.forEach((name, value) => {
        this.#headers.set(name, value);
      });
      return;
    }
    for (const name of names) {
      const value = req.getHeader(name);
      if (value !== '') this.#headers.set(name, value);
    }
  }

  withBody(body: Buffer): this {
    this.#body = body;
    return this;
  }
}
