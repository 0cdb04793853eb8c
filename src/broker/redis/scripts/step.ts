import { createHash } from 'node:crypto';
import type { KeyName } from './key-names.ts';

export type Argument = string | number;

/** Argument names in order; one that begins with `...` takes all that are left. */
export type ArgumentsOf<Names extends readonly string[]> = Names extends readonly [...infer Fixed, `...${string}`]
  ? readonly [...{ [At in keyof Fixed]: Argument }, ...Argument[]]
  : { readonly [At in keyof Names]: Argument };

type Head = readonly [name: string, ...Argument[]];

/** Something that Redis carries out in one step: a script, or a command of its own. `store.run` runs it for a topic. */
export interface Step<Names extends readonly string[], Reply> {
  /** The keys that it takes, all of the same topic. */
  readonly keys: readonly KeyName[];
  readonly args: Names;
  readonly isScript: boolean;
  /** What is sent before the keys and the arguments; the second form is for a Cluster. */
  readonly head: { readonly single: Head; readonly sharded: Head };
  /** Throws if Redis answers in another form. */
  readonly read: (reply: unknown) => Reply;
}

const texts: { readonly single: string; readonly sharded: string }[] = [];

/**
 * A script: its keys and arguments stand in Lua under the names given here, and `publish(channel, message)` publishes.
 * An argument named `...more` is a table of all that are left.
 */
export function script<const Names extends readonly string[], Reply>(definition: {
  readonly keys: readonly KeyName[];
  readonly args: Names;
  readonly lua: string;
  readonly read: (reply: unknown) => Reply;
}): Step<Names, Reply> {
  const { keys, args, lua, read } = definition;
  const names = keys.map((key, at) => `local ${key} = KEYS[${at + 1}]\n`);
  const values = args.map((name, at) =>
    name.startsWith('...')
      ? `local ${name.slice(3)} = {}\nfor at = ${at + 1}, #ARGV do ${name.slice(3)}[at - ${at}] = ARGV[at] end\n`
      : `local ${name} = ARGV[${at + 1}]\n`,
  );
  const textFor = (publish: string) =>
    `local function publish(channel, message) return redis.call('${publish}', channel, message) end\n` +
    `${names.join('')}${values.join('')}${lua}`;
  const text = { single: textFor('PUBLISH'), sharded: textFor('SPUBLISH') };
  texts.push(text);
  const headOf = (source: string): Head =>
    Object.freeze(['EVALSHA', createHash('sha1').update(source).digest('hex')] as const);
  return Object.freeze({
    keys,
    args,
    isScript: true,
    head: Object.freeze({ single: headOf(text.single), sharded: headOf(text.sharded) }),
    read,
  });
}

/** A command of Redis's own: its name, the one key, then the arguments. */
export function command<const Names extends readonly string[], Reply>(
  name: string | { readonly single: string; readonly sharded: string },
  key: KeyName,
  args: Names,
  read: (reply: unknown) => Reply,
): Step<Names, Reply> {
  const { single, sharded } = typeof name === 'string' ? { single: name, sharded: name } : name;
  const head = Object.freeze({ single: [single] as const, sharded: [sharded] as const });
  return Object.freeze({ keys: Object.freeze([key]), args, isScript: false, head, read });
}

/** A step as it is sent: the name of the command and its arguments. */
export function commandOf(
  { head, isScript }: Pick<Step<never, unknown>, 'head' | 'isScript'>,
  kind: 'single' | 'sharded',
  keys: readonly string[],
  args: readonly Argument[],
): [name: string, ...Argument[]] {
  return isScript ? [...head[kind], keys.length, ...keys, ...args] : [...head[kind], ...keys, ...args];
}

/** The texts of all scripts, to be loaded into a server before it is used. */
export function scriptTexts(kind: 'single' | 'sharded'): string[] {
  return texts.map((text) => text[kind]);
}
