import { Agent, type Dispatcher, request } from 'undici';
import { fetchFailure, readBounded } from './bounded-fetch.ts';

export interface AskOptions {
  /** Sent as JSON by POST; without it the request is a GET. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 3; the rule's own time limit stands above it. */
  readonly timeoutSeconds?: number;
  /** Send the user's token along as `Authorization: Bearer`. Only to a backend that the token is meant for. */
  readonly forwardToken?: boolean;
}

/**
 * Asks by HTTP and resolves with the parsed JSON of a 2xx answer. Rejects with BackendRefused on 401, 403 and 404, and
 * with an Error on everything else: another status, no answer in time, no JSON, over 64 KB, a redirect. A rule that
 * lets either pass denies, so it need not catch. What the answer is, the caller says: it is not checked.
 */
export type AskBackend = <Answer = Readonly<Record<string, unknown>>>(
  url: string | URL,
  options?: AskOptions,
) => Promise<Answer>;

/** The backend's own no. */
export class BackendRefused extends Error {
  override readonly name = 'BackendRefused';
  readonly status: number;

  constructor(where: string, status: number) {
    super(`${where} answered ${status}`);
    this.status = status;
  }
}

/** Rules ask often, so not by `fetch`: with its streams and copies the same costs three times as much. */
const CONNECTIONS = new Agent();
const DEFAULT_TIMEOUT_SECONDS = 3;
const MAX_ASK_ANSWER_BYTES = 65_536;

/** The `ask` of one request, bound to its token and to the time limit of its rule. */
export function createAskBackend(token: string, signal: AbortSignal): AskBackend {
  return async <Answer>(url: string | URL, options: AskOptions = {}) => {
    const { body, headers, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS, forwardToken = false } = options;
    const target = new URL(url);
    if (target.protocol !== 'http:' && target.protocol !== 'https:')
      throw new Error('ask: the URL must be http or https');
    // Query and credentials stay out of the log.
    const where = `${target.origin}${target.pathname}`;
    const sent = new Headers(headers);
    sent.set('accept', 'application/json');
    if (!sent.has('user-agent')) sent.set('user-agent', 'Fanfare-Rules');
    if (body !== undefined) sent.set('content-type', 'application/json');
    if (forwardToken) sent.set('authorization', `Bearer ${token}`);
    const { status, text } = await withinLimits(signal, timeoutSeconds, (limited) =>
      ask(where, target, {
        method: body === undefined ? 'GET' : 'POST',
        headers: Object.fromEntries(sent),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: limited,
      }),
    );
    // To follow it could carry the token to another host.
    if (status >= 300 && status < 400) throw new Error(`${where} answered ${status}: a redirect is not followed`);
    if (status === 401 || status === 403 || status === 404) throw new BackendRefused(where, status);
    if (status < 200 || status > 299) throw new Error(`${where} answered ${status}`);
    return parsed(where, text) as Answer;
  };
}

/**
 * Ends with the rule's time or its own. Not AbortSignal.any of a timeout: Node 20 may collect that one before it fires.
 */
async function withinLimits<T>(
  rule: AbortSignal,
  timeoutSeconds: number,
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, Math.ceil(timeoutSeconds * 1000));
  rule.addEventListener('abort', abort, { once: true });
  if (rule.aborted) abort();
  try {
    return await operation(controller.signal);
  } finally {
    clearTimeout(timer);
    rule.removeEventListener('abort', abort);
  }
}

async function ask(
  where: string,
  url: URL,
  options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>,
): Promise<{ status: number; text: string }> {
  try {
    const { statusCode, body } = await request(url, { ...options, dispatcher: CONNECTIONS });
    return { status: statusCode, text: await readBounded(body, MAX_ASK_ANSWER_BYTES) };
  } catch (cause) {
    throw new Error(`${where}: ${fetchFailure(cause)}`, { cause });
  }
}

function parsed(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${where} answered something that is not JSON`, { cause });
  }
}
