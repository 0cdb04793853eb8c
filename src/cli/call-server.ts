import { STATUS_CODES } from 'node:http';
import { CliFailure } from './context.ts';
import { unreachable } from './server-url.ts';

const MAX_ERROR_CHARACTERS = 300;

/**
 * Asks a running server, and gives its JSON. Throws a CliFailure that says in words what came in the way: the network,
 * a refusal, or something that is not this server.
 *
 * @param flag names another server
 */
export async function callServer(
  url: string,
  request: RequestInit,
  limitMs: number,
  flag?: '--url' | '--admin',
): Promise<unknown> {
  const { origin } = new URL(url);
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(limitMs) });
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw unreachable(origin, error, flag);
  }
  if (status < 200 || status > 299) {
    const hint = status === 404 && flag === '--admin' ? '; --admin takes the port for operators, 9601 as a rule' : '';
    throw new CliFailure(`The server answered ${status}: ${refusalText(status, text)}${hint}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliFailure(`What answers at ${origin} is not Fanfare, or not at that path: it sends no JSON`, {
      cause: error,
    });
  }
}

/** What a refusal says: a sentence, JSON with an `error`, or the page of a proxy in between. */
function refusalText(status: number, text: string): string {
  const said = text.trim();
  if (said.startsWith('<')) return `${STATUS_CODES[status] ?? 'a page'}; a proxy in front of it says so, not Fanfare`;
  return (errorOf(said) ?? said).slice(0, MAX_ERROR_CHARACTERS);
}

function errorOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}
