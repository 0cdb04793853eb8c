import type { App } from '../core/contracts/app.ts';
import { type ServerUrl, unreachable } from './server-url.ts';

/** What the authorization endpoint grants, for pusher-js to send on. */
export interface ChannelAnswer {
  readonly auth: string;
  readonly channel_data?: string;
  readonly shared_secret?: string;
}

const ANSWER_LIMIT_MS = 10_000;
const MAX_REFUSAL_CHARACTERS = 300;

/** Asks as pusher-js does. It keeps to itself what a refusal says, so that this asks in its place. */
export async function askEndpoint(
  server: ServerUrl,
  app: App,
  token: string,
  channel: string,
  socketId: string,
): Promise<ChannelAnswer> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${server.origin}${server.pathPrefix}/broadcasting/auth`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      body: new URLSearchParams({ socket_id: socketId, channel_name: channel, app_key: app.key }),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    text = await response.text();
  } catch (error) {
    throw unreachable(server.origin, error);
  }
  if (!response.ok) throw new Error(refusalSentence(response.status, text));
  return JSON.parse(text) as ChannelAnswer;
}

/** `403 Forbidden (no_rule): no rule's pattern matches the channel. Hint: …`; in production the status and `error` alone. */
function refusalSentence(status: number, body: string): string {
  let answer: Readonly<Record<string, unknown>>;
  try {
    answer = JSON.parse(body) as Record<string, unknown>;
  } catch {
    return `${status} ${body.slice(0, MAX_REFUSAL_CHARACTERS)}`;
  }
  const { error, code, reason, hint } = answer;
  const why = code === undefined ? "; the server's log says why" : ` (${code}): ${reason}`;
  return `${status} ${error}${why}${hint === undefined ? '' : `\n  ${hint}`}`;
}
