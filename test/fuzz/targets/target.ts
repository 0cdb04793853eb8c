/** Something of the server's that strangers reach, and what must hold whatever they send it. */
export interface FuzzTarget {
  readonly name: string;
  /** What `run` takes, for whoever reads a seed. */
  readonly input: string;
  /** Inputs to begin with, beside the files of `test/fuzz/seeds/{name}`. */
  readonly examples: readonly string[];
  /** Words that mutations put in. */
  readonly dictionary: readonly string[];
  /** Throws or rejects if the server did what it must not; otherwise says how many frames or requests that were. */
  readonly run: (input: Buffer) => number | Promise<number>;
}

/** What a target throws: the server did something that is not documented. */
export class Fault extends Error {
  override readonly name = 'Fault';
}

export function mustHold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Fault(what);
}

/** A sentence for people: short, without control characters, and without any of the server's secrets. */
export function mustBeSentence(text: string, secrets: readonly string[]): void {
  mustHold(text.length > 0 && text.length <= 4000, `a sentence of ${text.length} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  mustHold(!/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text), `control characters in ${JSON.stringify(text)}`);
  for (const secret of secrets) mustHold(!text.includes(secret), `a secret in ${JSON.stringify(text)}`);
}
