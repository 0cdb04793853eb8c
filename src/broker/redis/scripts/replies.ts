/**
 * Readers of what Redis answers. Each throws if the answer has another form: a fault of a script, or not Redis at all.
 */

export function readNothing(): void {
  // Whether it was carried out is all that the caller wants to know.
}

export function readNumber(reply: unknown): number {
  if (typeof reply !== 'number') throw wrong('a number', reply);
  return reply;
}

export function readText(reply: unknown): string {
  if (typeof reply !== 'string') throw wrong('a text', reply);
  return reply;
}

export function readOptionalText(reply: unknown): string | undefined {
  return reply === null ? undefined : readText(reply);
}

export function readList(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw wrong('a list', reply);
  return reply as readonly unknown[];
}

export function readTexts(reply: unknown): string[] {
  return readList(reply).map(readText);
}

/** What `HGETALL` gives: names and values by turns. */
export function readPairs(reply: unknown): [name: string, value: string][] {
  const flat = readTexts(reply);
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([flat[at] ?? '', flat[at + 1] ?? '']);
  return pairs;
}

function wrong(expected: string, reply: unknown): Error {
  return new Error(
    `Redis should have answered with ${expected}, and answered with ${reply === null ? 'nothing' : typeof reply}`,
  );
}
