import { channelKind } from '../protocol/channel-name.ts';

/** A rule's pattern, ready to be matched. */
export interface ChannelPattern {
  readonly text: string;
  /** The parameters of a channel that matches, each one dot-free segment; undefined where it does not. */
  match(name: string): Readonly<Record<string, string>> | undefined;
  /** Equal for patterns that match the same names, whatever their parameters are called. */
  readonly shape: string;
}

const GUARD_PREFIXES = ['private-encrypted-', 'private-', 'presence-'];
const PARAMETER = /\{([^{}]*)\}/;
const PARAMETERS = /\{[^{}]*\}/g;
const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LITERAL = /^[A-Za-z0-9_\-=@,.;]*$/;

/** More than these in one segment could make a 200-character name slow to match. */
const MAX_PARAMETERS_PER_SEGMENT = 3;

/** Throws a sentence that names the pattern where it is not one, or could never match. */
export function compilePattern(text: string): ChannelPattern {
  const problem = patternProblem(text);
  if (problem !== undefined) throw new Error(`pattern '${text}': ${problem}`);
  const names: string[] = [];
  // Splitting by a group yields literals and parameter names in turn.
  const source = text.split(PARAMETER).map((part, index) => {
    if (index % 2 === 0) return part.replace(/\./g, '\\.');
    names.push(part);
    return '([^.]+)';
  });
  const regex = new RegExp(`^${source.join('')}$`);
  return {
    text,
    shape: regex.source,
    match(name) {
      const found = regex.exec(name);
      if (found === null) return undefined;
      return Object.freeze(Object.fromEntries(names.map((key, index) => [key, found[index + 1] ?? ''])));
    },
  };
}

function patternProblem(text: string): string | undefined {
  if (text === '') return 'a pattern must not be empty';
  const prefix = GUARD_PREFIXES.find((candidate) => text.startsWith(candidate));
  if (prefix !== undefined) {
    return `leave out '${prefix}': prefixes are taken off a channel's name before it is matched`;
  }
  const names: string[] = [];
  for (const [index, part] of text.split(PARAMETER).entries()) {
    if (index % 2 === 1) {
      if (!PARAMETER_NAME.test(part)) return `'{${part}}' is not a parameter: write a name such as {domainId}`;
      if (names.includes(part)) return `the parameter {${part}} stands twice`;
      names.push(part);
    } else if (!LITERAL.test(part)) {
      return `'${part}' holds a character that no channel name has; a parameter is written {name}`;
    }
  }
  if (text.includes('}{')) return 'two parameters need something between them';
  if (text.split('.').some((segment) => (segment.match(PARAMETERS)?.length ?? 0) > MAX_PARAMETERS_PER_SEGMENT)) {
    return `more than ${MAX_PARAMETERS_PER_SEGMENT} parameters between two dots`;
  }
  return undefined;
}

/**
 * The names under which a rule for `channel` may stand, most specific first. `private-encrypted-`, `private-` and
 * `presence-` are taken off, as Laravel does, so that `cache-` stays; a cache channel is then also looked for without
 * it, so that one rule serves a channel and its caching sibling.
 */
export function ruleNames(channel: string): readonly string[] {
  const prefix = GUARD_PREFIXES.find((candidate) => channel.startsWith(candidate)) ?? '';
  const name = channel.slice(prefix.length);
  return channelKind(channel).cache ? [name, name.slice('cache-'.length)] : [name];
}
