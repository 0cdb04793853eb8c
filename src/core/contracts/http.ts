/** A request after the transport has copied it: plain values that outlive the native one. */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** As it was sent, still percent-encoded, without the configured path prefix. */
  readonly path: string;
  /** The path with the prefix: what a client that knows of the prefix signed. */
  readonly fullPath: string;
  /** Raw, without the question mark; empty if there is none. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** The client's address, trusted proxies taken into account. */
  readonly ip: string;
}

export interface HttpResponse {
  readonly status: number;
  /** Empty for no body. */
  readonly body: string;
  /** Defaults: JSON for a body that begins with a brace, otherwise plain text. */
  readonly headers?: ReadonlyArray<readonly [string, string]>;
}

/** Answers a request; never rejects. */
export type HttpEndpoint = (request: HttpRequest) => Promise<HttpResponse>;
