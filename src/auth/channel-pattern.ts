import { channelKind } from '../protocol/channel-name.ts';

/** A rule's pattern, ready to be matched. */
export interface ChannelPattern {
  readonly text: string;
  /** The parameters of a channel that matches, each one dot-free segment; undefined if it does not. */
  match(name: string): Readonly<Record<string, string>> | undefined;
  /** Equal for patterns that match the same names, whatever their parameters are called. */
  readonly shape: string;
}

const GUARD_PREFIXES = ['private-encrypted-', 'private-', 'presence-'];
const PARAMETER = /\{([^{}]*)\}/;
const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LITERAL = /^[A-Za-z0-9_\-=@,.;]*$/;

/** What stands between two dots: literals with parameters between them, so one literal more than names. */
interface Segment {
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

/** Throws a sentence that names the pattern if it is not one, or could never match. */
export function compilePattern(text: string): ChannelPattern {
  const problem = patternProblem(text);
  if (problem !== undefined) throw new Error(`pattern '${text}': ${problem}`);
  const segments = text.split('.').map(segmentOf);
  const names = segments.flatMap((segment) => segment.names);
  return {
    text,
    shape: segments.map(({ literals }) => literals.join('{}')).join('.'),
    match(name) {
      const parts = name.split('.');
      if (parts.length !== segments.length) return undefined;
      const values: string[] = [];
      for (const [index, segment] of segments.entries()) {
        const found = segmentValues(segment, parts[index] ?? '');
        if (found === undefined) return undefined;
        values.push(...found);
      }
      return Object.freeze(Object.fromEntries(names.map((key, index) => [key, values[index] ?? ''])));
    },
  };
}

/** Splitting by a group yields literals and parameter names in turn. */
function segmentOf(text: string): Segment {
  const parts = text.split(PARAMETER);
  return { literals: parts.filter((_, index) => index % 2 === 0), names: parts.filter((_, index) => index % 2 === 1) };
}

/**
 * What the parameters of a segment match, none of it empty, and the first as much as it can. Literals are looked for
 * from the end, each as late as it can be, so nothing is tried twice: a regular expression would try every way to
 * part a name that in the end does not match.
 */
function segmentValues({ literals, names }: Segment, text: string): string[] | undefined {
  const first = literals[0] ?? '';
  if (names.length === 0) return text === first ? [] : undefined;
  const last = literals[names.length] ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return undefined;
  const values: string[] = [];
  let end = text.length - last.length;
  for (let index = names.length - 1; index > 0; index -= 1) {
    const literal = literals[index] ?? '';
    const at = text.lastIndexOf(literal, end - literal.length - 1);
    if (at <= first.length) return undefined;
    values.unshift(text.slice(at + literal.length, end));
    end = at;
  }
  if (end <= first.length) return undefined;
  values.unshift(text.slice(first.length, end));
  return values;
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
