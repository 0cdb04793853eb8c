import { Refusal } from './responses.ts';

/** A parameter's name in lower case, and its value, both decoded. */
export type QueryPair = readonly [name: string, value: string];

/**
 * Verifying sorts the parameters and signs them, several times over in the worst case: strangers do not get to say how
 * many, nor how long they are. The longest that backends send is a prefix of channels' names.
 */
const MAX_PARAMETERS = 100;
const MAX_QUERY_CHARACTERS = 4096;

/** The parameters in the order in which they came; repeated names stay repeated. `decode` reads one name or value. */
export function parseQuery(query: string, decode: (text: string) => string = formDecoded): QueryPair[] {
  if (query.length > MAX_QUERY_CHARACTERS) {
    throw new Refusal(400, `The query is ${query.length} characters long; the limit is ${MAX_QUERY_CHARACTERS}`);
  }
  const pairs: QueryPair[] = [];
  let start = 0;
  while (start < query.length) {
    const ampersand = query.indexOf('&', start);
    const end = ampersand < 0 ? query.length : ampersand;
    if (end > start) {
      if (pairs.length === MAX_PARAMETERS) {
        throw new Refusal(400, `The query holds more than ${MAX_PARAMETERS} parameters`);
      }
      const part = query.slice(start, end);
      const equals = part.indexOf('=');
      const name = equals < 0 ? part : part.slice(0, equals);
      const value = equals < 0 ? '' : part.slice(equals + 1);
      pairs.push([decode(name).toLowerCase(), decode(value)]);
    }
    start = end + 1;
  }
  return pairs;
}

/** The first value under a name, which must be in lower case. */
export function parameter(query: readonly QueryPair[], name: string): string | undefined {
  for (const [given, value] of query) if (given === name) return value;
  return undefined;
}

/** Whether reading the query as anything but a form could make a difference. */
export function isEncoded(query: string): boolean {
  return query.includes('%') || query.includes('+');
}

/** As Ruby, Java and forms write: a plus is a space. */
export function formDecoded(text: string): string {
  return percentDecoded(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

/** As paths are written, and queries by Node and PHP: a plus is a plus. What is no escape of UTF-8 stays as it is. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => decodedEscapes(escapes));
}

function decodedEscapes(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch (error) {
    if (error instanceof URIError) return escapes;
    throw error;
  }
}
