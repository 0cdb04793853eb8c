import type { App } from '../core/contracts/app.ts';
import type { HttpRequest } from '../core/contracts/http.ts';
import { printable } from '../protocol/channel-name.ts';
import { escapeControls } from '../protocol/escaped.ts';
import { hmacHex } from '../protocol/hmac.ts';
import { MAX_CLOCK_SKEW_SECONDS } from '../protocol/limits.ts';
import { md5Hex, requestStringToSign, safeEqual } from '../protocol/signatures.ts';
import { isEncoded, parameter, parseQuery, percentDecoded, type QueryPair } from './query.ts';
import { Refusal } from './responses.ts';

/**
 * Checks that a backend which holds the app's secret sent the request: key, version, time, signature, and the body's
 * MD5. Returns the query's parameters as they were signed; throws a Refusal of 401. (HTTP API: authentication)
 *
 * `query` is the request's query read as a form.
 */
export function verifyRequest(
  app: App,
  request: HttpRequest,
  query: readonly QueryPair[],
  nowMs: number,
): readonly QueryPair[] {
  const signed = verifyHead(app, request, query, nowMs);
  checkBody(request.body, parameter(signed, 'body_md5'));
  return signed;
}

/** The same but for the body, which may not have come: what it must be is signed. */
export function verifyHead(
  app: App,
  request: HttpRequest,
  query: readonly QueryPair[],
  nowMs: number,
): readonly QueryPair[] {
  const key = required(query, 'auth_key');
  if (key !== app.key) {
    throw new Refusal(401, `auth_key '${printable(key)}' is not the key of app '${printable(app.id)}'`);
  }
  const version = required(query, 'auth_version');
  if (version !== '1.0') {
    throw new Refusal(401, `auth_version '${printable(version)}' is not supported: send 1.0`);
  }
  const signature = required(query, 'auth_signature');
  const signed = checkSignature(app, request, query, signature);
  // What the request says is read from here on as it was signed, whichever way that was.
  checkTimestamp(required(signed, 'auth_timestamp'), nowMs);
  return signed;
}

function required(query: readonly QueryPair[], name: string): string {
  const value = parameter(query, name);
  if (value !== undefined && value !== '') return value;
  throw new Refusal(
    401,
    `${name} is missing from the query: a signed request carries auth_key, auth_timestamp, auth_version and auth_signature`,
  );
}

function checkTimestamp(timestamp: string, nowMs: number): void {
  const nowSeconds = Math.floor(nowMs / 1000);
  // Written so that what is no number is refused too.
  if (Math.abs(nowSeconds - Number(timestamp)) <= MAX_CLOCK_SKEW_SECONDS) return;
  throw new Refusal(
    401,
    `Timestamp expired: ${clocks(timestamp, nowSeconds)}; at most ${MAX_CLOCK_SKEW_SECONDS} s are allowed: check both clocks`,
  );
}

/** What both clocks say, so that whoever has several backends sees whose is wrong, and by how much. */
function clocks(timestamp: string, nowSeconds: number): string {
  const server = `the server's clock, ${nowSeconds} (${utc(nowSeconds)})`;
  const sent = Number(timestamp);
  if (!Number.isSafeInteger(sent) || sent < 0 || sent > LAST_SECOND) {
    return `auth_timestamp '${printable(timestamp)}' is no time in seconds since 1970, as ${server}, is`;
  }
  const seconds = Math.abs(nowSeconds - sent);
  const direction = sent < nowSeconds ? 'behind' : 'ahead of';
  return `auth_timestamp '${printable(timestamp)}' (${utc(sent)}) is ${seconds} s ${direction} ${server}`;
}

/** What JavaScript's dates can tell. */
const LAST_SECOND = 8_640_000_000_000;

function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** The parameters in the reading of them that the signature fits. */
function checkSignature(
  app: App,
  request: HttpRequest,
  query: readonly QueryPair[],
  signature: string,
): readonly QueryPair[] {
  const expected = requestStringToSign(request.method, request.path, query);
  if (safeEqual(signature, hmacHex(app.secret, expected))) return query;
  const tried = new Set([expected]);
  for (const pairs of readings(request.query, query)) {
    for (const path of paths(request)) {
      const text = requestStringToSign(request.method, path, pairs);
      if (tried.has(text)) continue;
      tried.add(text);
      if (safeEqual(signature, hmacHex(app.secret, text))) return pairs;
    }
  }
  throw new Refusal(
    401,
    `Invalid signature: you should have sent HmacSHA256Hex(${escapeControls(JSON.stringify(expected))}, your_secret_key)`,
  );
}

/**
 * Libraries sign the path as the application wrote it and leave the encoding to their HTTP client (Node, Python, PHP);
 * a client that was told of a path prefix signs it too (PHP's `path` option).
 */
function paths(request: HttpRequest): string[] {
  return [request.path, percentDecoded(request.path), request.fullPath, percentDecoded(request.fullPath)];
}

/**
 * What the sender can have meant by a query. Values are signed decoded, but Node, Python and Go put them into the URL
 * as they are, so that a plus, or what looks like an escape, may be itself.
 */
function readings(raw: string, form: readonly QueryPair[]): ReadonlyArray<readonly QueryPair[]> {
  const found: Array<readonly QueryPair[]> = [form];
  if (isEncoded(raw)) found.push(parseQuery(raw, percentDecoded), parseQuery(raw, asItIs));
  if (form.some(([name]) => name.endsWith(']'))) found.push(joinedLists(form));
  return found;
}

function asItIs(text: string): string {
  return text;
}

/** PHP signs a list as `key=a,b` and sends it as `key[0]=a&key[1]=b`. */
function joinedLists(pairs: readonly QueryPair[]): QueryPair[] {
  const joined = new Map<string, string>();
  for (const [name, value] of pairs) {
    const bracket = name.endsWith(']') ? name.indexOf('[') : -1;
    const key = bracket > 0 ? name.slice(0, bracket) : name;
    const before = joined.get(key);
    joined.set(key, before === undefined ? value : `${before},${value}`);
  }
  return [...joined];
}

/** Python sends a `body_md5` on GETs too. Without one, whoever saw a signed URL could send another body with it. */
function checkBody(body: Buffer, given: string | undefined): void {
  if (given === undefined) {
    if (body.length === 0) return;
    throw new Refusal(
      401,
      'body_md5 is missing from the query: a request with a body signs the MD5 of it, in lower-case hex',
    );
  }
  const actual = md5Hex(body);
  if (safeEqual(given, actual)) return;
  throw new Refusal(
    401,
    `Invalid body_md5: the body that arrived, ${body.length} bytes, has the MD5 ${actual}, but you sent '${printable(given)}'`,
  );
}
