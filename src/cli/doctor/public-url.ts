import type { Config } from '../../config/schema.ts';
import type { App } from '../../core/contracts/app.ts';
import { networkErrorText, type ServerUrl } from '../server-url.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { openWebSocket } from './web-socket.ts';

const LIMIT_MS = 10_000;
/** What streams is there at once; a proxy that gathers answers keeps it for itself. */
const STREAM_LIMIT_MS = 3000;
/** After the interval in which the server would say something by itself. */
const SILENCE_MARGIN_MS = 2000;
const TLS_ERRORS = /CERT|TLS|SSL|SIGNED|VERIFY/;

/** A server as the world sees it: through whatever stands before it. */
export async function publicUrlFindings(
  url: ServerUrl,
  app: App,
  config: Config,
  isQuick: boolean,
): Promise<Finding[]> {
  const reached = await reachFindings(url);
  if (reached.some(({ level }) => level === 'problem')) return reached;
  return [
    ...reached,
    ...(await webSocketFindings(url, app, config, isQuick)),
    ...(config.fallback.enabled ? [await streamFinding(url, app)] : []),
  ];
}

async function reachFindings({ origin, pathPrefix, tls }: ServerUrl): Promise<Finding[]> {
  try {
    const response = await fetch(`${origin}${pathPrefix}/ready`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const text = (await response.text()).trim();
    const encrypted = tls
      ? ok('TLS', 'the certificate is valid for this host')
      : warning(
          'TLS',
          'The public URL has none: anybody on the way can read everything.',
          'Let the proxy end TLS, or set tls.certFile.',
        );
    if (response.ok && text === 'ready') return [encrypted, ok('public URL', 'a node that is ready answers')];
    return [encrypted, wrongAnswer(response, text, `${origin}${pathPrefix}`)];
  } catch (error) {
    const says = networkErrorText(error);
    if (TLS_ERRORS.test(codeOf(error))) {
      return [
        problem(
          'TLS',
          `Browsers will refuse it: ${says}.`,
          'Give the proxy a certificate for this host name, with its chain.',
        ),
      ];
    }
    return [
      problem('public URL', `It cannot be reached: ${says}.`, 'Check the name, the port, the proxy and the firewall.'),
    ];
  }
}

function wrongAnswer({ status, headers }: Response, text: string, url: string): Finding {
  const check = 'public URL';
  if (status >= 300 && status < 400) {
    return problem(
      check,
      `It redirects to ${headers.get('location')}.`,
      'WebSocket clients follow no redirect: give the URL that it redirects to.',
    );
  }
  if (status === 503 && text === 'not ready') {
    return problem(
      check,
      'A node answers, but is not ready.',
      'Look into its log: it is waiting for Redis, or stopping.',
    );
  }
  if (status === 502 || status === 503 || status === 504) {
    return problem(
      check,
      `The proxy answers ${status}: it cannot reach Fanfare.`,
      'Check the address in its proxy_pass or upstream.',
    );
  }
  const advice = 'Check the path: --url is the host and wsPath of your clients; the server has its own in pathPrefix.';
  return problem(check, `${url}/ready answers ${status}, and not as Fanfare would.`, advice);
}

const UPGRADE_ADVICE =
  'In nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade".';

async function webSocketFindings(url: ServerUrl, app: App, config: Config, isQuick: boolean): Promise<Finding[]> {
  const opened = await openWebSocket(url, app.key, LIMIT_MS);
  if (opened.outcome === 'failed') {
    return [
      problem('WebSocket', `It cannot be opened: ${networkErrorText(opened.error)}.`, 'Check the proxy and its log.'),
    ];
  }
  if (opened.outcome === 'answered') {
    const { status } = opened;
    if (status === 426 || status === 400) {
      const says = `The proxy does not pass WebSockets on: the server saw a request without Upgrade (${status}).`;
      return [problem('WebSocket upgrade', says, UPGRADE_ADVICE)];
    }
    return [problem('WebSocket upgrade', `The answer was ${status} instead of 101.`, UPGRADE_ADVICE)];
  }
  const { socket } = opened;
  try {
    const first = await socket.message(LIMIT_MS);
    if (!first.includes('pusher:connection_established')) {
      return [
        problem('WebSocket', `The server refused: ${first.slice(0, 200)}`, 'Check the app key and allowedOrigins.'),
      ];
    }
    const findings = [ok('WebSocket', 'it opens, and the server greets')];
    if (isQuick) return findings;
    const waitMs = config.connections.pingIntervalSeconds * 1000 + SILENCE_MARGIN_MS;
    const silence = await socket.silence(waitMs);
    const seconds = (silence.afterMs / 1000).toFixed(0);
    if (silence.end !== 'closed')
      return [...findings, ok('timeouts', `a connection that is idle for ${seconds} s stays open`)];
    const says = `Something on the way closes connections that are idle for ${seconds} s.`;
    const advice =
      `Nodes ping after ${config.connections.pingIntervalSeconds} s: let the proxy wait longer (in nginx: proxy_read_timeout ` +
      '300s; proxy_send_timeout 300s), or lower connections.pingIntervalSeconds.';
    return [...findings, problem('timeouts', says, advice)];
  } finally {
    socket.end();
  }
}

const BUFFERING_ADVICE =
  'In nginx: proxy_buffering off; no gzip for /pusher/app/; and keep X-Accel-Buffering out of proxy_ignore_headers.';

const STREAM_QUERY = 'protocol=7&client=js&version=8.6.0&t=1&n=1';

/** What clients fall back to if WebSockets do not pass. */
async function streamFinding({ origin, pathPrefix }: ServerUrl, app: App): Promise<Finding> {
  const check = 'buffering';
  const session = `${Math.floor(Math.random() * 1000)}/${Math.random().toString(32).slice(2, 10).padEnd(8, '0')}`;
  const sessionUrl = `${origin}${pathPrefix}/pusher/app/${app.key}/${session}`;
  const stopped = new AbortController();
  const timer = setTimeout(() => stopped.abort(), STREAM_LIMIT_MS);
  try {
    const init = { method: 'POST', signal: stopped.signal };
    const response = await fetch(`${sessionUrl}/xhr_streaming?${STREAM_QUERY}`, init);
    if (!response.ok) {
      return warning(
        check,
        `HTTP streaming answers ${response.status}.`,
        'Let the proxy pass on POST requests below /pusher/app/.',
      );
    }
    const reader = response.body?.getReader();
    let text = '';
    // What comes with the headers passes at once even if what follows is gathered.
    for (const awaited of ['connection_established', 'pusher:pong']) {
      while (!text.includes(awaited)) {
        const part = await reader?.read();
        if (part === undefined || part.done) return warning(check, 'HTTP streaming ended at once.', BUFFERING_ADVICE);
        text += Buffer.from(part.value).toString('latin1');
      }
      if (awaited === 'pusher:pong') break;
      const ping = JSON.stringify([JSON.stringify({ event: 'pusher:ping', data: {} })]);
      const sent = await fetch(`${sessionUrl}/xhr_send?t=1&n=2`, { ...init, body: ping });
      await sent.body?.cancel();
    }
    return ok(check, 'HTTP streaming arrives as it is sent');
  } catch (error) {
    if (stopped.signal.aborted) {
      const says = 'The proxy buffers answers before it passes them on: HTTP streaming does not arrive.';
      return problem(check, says, BUFFERING_ADVICE);
    }
    return warning(check, `HTTP streaming failed: ${networkErrorText(error)}.`, BUFFERING_ADVICE);
  } finally {
    clearTimeout(timer);
    stopped.abort();
  }
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}
