export type XhrCall = 'xhr_streaming' | 'xhr' | 'xhr_send';

/** What a path of the HTTP transports names. (pusher-js, src/core/http/http_socket.ts) */
export interface XhrPath {
  /** The path as a WebSocket would have it: `{httpPath}/app/{key}`. */
  readonly appPath: string;
  readonly appKey: string;
  /** The client's choice: `{0 to 999}/{8 of 0-9 and a-v}`. */
  readonly session: string;
  readonly call: XhrCall;
}

const XHR_PATH = /^(.*\/app\/([^/]+))\/(\d{1,3}\/[0-9a-v]{8})\/(xhr_streaming|xhr|xhr_send)$/;

export function xhrPathOf(path: string): XhrPath | undefined {
  const [, appPath, appKey, session, call] = XHR_PATH.exec(path) ?? [];
  if (appPath === undefined || appKey === undefined || session === undefined) return undefined;
  return { appPath, appKey, session, call: call as XhrCall };
}

/** What SockJS asks first, and the requests that it sends if that was answered. (SockJS protocol 0.3) */
const SOCKJS_PATH =
  /\/(?:info|iframe[^/]*\.html|[^/.]+\/[^/.]+\/(?:websocket|xhr|xhr_streaming|xhr_send|eventsource|jsonp|jsonp_send))$/;

export function isSockJsPath(path: string): boolean {
  return SOCKJS_PATH.test(path) && !path.includes('/app/');
}

/** The number that pusher-js gives each request of a page, or undefined if the query has none. */
export function requestNumberOf(query: string): number | undefined {
  const digits = /(?:^|&)n=(\d{1,15})(?:&|$)/.exec(query)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
