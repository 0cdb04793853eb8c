import { createHash } from 'node:crypto';
import type { KeyName } from './key-names.ts';

export type Argument = string | number;

/** Argument names in order; one that begins with `...` takes all that are left. */
export type ArgumentsOf<Names extends readonly string[]> = Names extends readonly [...infer Fixed, `...${string}`]
  ? readonly [...{ [At in keyof Fixed]: Argument }, ...Argument[]]
  : { readonly [At in keyof Names]: Argument };

/** Something that Redis carries out in one step: a script, or a command of its own. `store.run` runs it for a topic. */
export interface Step<Names extends readonly string[], Reply> {
  /** The keys that it takes, all of the same topic. */
  readonly keys: readonly KeyName[];
  readonly args: Names;
  /** The command that is sent, and for a script its hash; the second form is for a Cluster. */
  readonly command: { readonly single: string; readonly sharded: string };
  readonly hash: { readonly single: string; readonly sharded: string } | undefined;
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
  const hashOf = (source: string) => createHash('sha1').update(source).digest('hex');
  return Object.freeze({
    keys,
    args,
    command: Object.freeze({ single: 'evalsha', sharded: 'evalsha' }),
    hash: Object.freeze({ single: hashOf(text.single), sharded: hashOf(text.sharded) }),
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
  const names = typeof name === 'string' ? { single: name, sharded: name } : name;
  return Object.freeze({ keys: Object.freeze([key]), args, command: Object.freeze(names), hash: undefined, read });
}

/** What follows the name of a step's command: for a script its hash and the number of keys, then keys and arguments. */
export function argumentsOf(
  { hash }: Pick<Step<never, unknown>, 'hash'>,
  kind: 'single' | 'sharded',
  keys: readonly string[],
  args: readonly Argument[],
): Argument[] {
  return hash === undefined ? [...keys, ...args] : [hash[kind], String(keys.length), ...keys, ...args];
}

/** The texts of all scripts, to be loaded into a server before it is used. */
export function scriptTexts(kind: 'single' | 'sharded'): string[] {
  return texts.map((text) => text[kind]);
}
