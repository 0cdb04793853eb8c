import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isJsonObject } from '../protocol/frames.ts';
import type { AskBackend } from './ask-backend.ts';
import { type ChannelPattern, compilePattern, ruleNames } from './channel-pattern.ts';
import type { VerifiedUser } from './token.ts';

/** What a rule may know of the request beside the user. */
export interface UserContext {
  readonly appId: string;
  readonly socketId: string;
  /** The client's address, trusted proxies taken into account. */
  readonly ip: string;
  /** Aborted when the rule's time is up. */
  readonly signal: AbortSignal;
  /** Asks the team's backend by HTTP; see AskOptions. */
  readonly ask: AskBackend;
}

export interface ChannelContext extends UserContext {
  /** The channel's full name, prefixes included. */
  readonly channel: string;
}

/** Shown to the other members of a presence channel as `user_info`; must survive JSON. */
export type MemberInfo = Readonly<Record<string, unknown>>;

/** `true` or an object: yes, the object being the member's info on a presence channel. Anything falsy: no. */
export type ChannelAnswer = boolean | MemberInfo | null | undefined;

/** `params` holds what the pattern's parameters matched: text, always. */
export type ChannelRule = (
  user: VerifiedUser,
  params: Readonly<Record<string, string>>,
  context: ChannelContext,
) => ChannelAnswer | Promise<ChannelAnswer>;

/** What a signed-in user brings along. (Channels docs: user authentication, watchlist events) */
export interface UserDetails {
  readonly info?: MemberInfo;
  /** Ids of users whose coming and going this one is told. */
  readonly watchlist?: ReadonlyArray<string | number>;
}

export type UserAnswer = boolean | UserDetails | null | undefined;
export type UserRule = (user: VerifiedUser, context: UserContext) => UserAnswer | Promise<UserAnswer>;

/** The default export of `config/channels.js`. */
export interface ChannelRules {
  /** Patterns to rules; of those that match, the first in the order of writing decides. */
  readonly channels: Readonly<Record<string, ChannelRule>>;
  /** Decides on `pusher:signin`; without it, every user with a valid token may sign in. */
  readonly user?: UserRule;
}

/** A channel's rule, found. */
export interface MatchedRule {
  readonly pattern: string;
  readonly params: Readonly<Record<string, string>>;
  readonly rule: ChannelRule;
}

/** The rules of a team, checked and compiled. */
export class RuleBook {
  readonly user: UserRule | undefined;
  readonly #entries: ReadonlyArray<{ readonly pattern: ChannelPattern; readonly rule: ChannelRule }>;

  /** Throws a sentence that names the pattern if one is invalid or can never be reached. */
  constructor(rules: ChannelRules) {
    this.user = rules.user;
    const seen = new Map<string, string>();
    this.#entries = Object.entries(rules.channels).map(([text, rule]) => {
      if (typeof rule !== 'function') throw new Error(`pattern '${text}': the rule must be a function`);
      const pattern = compilePattern(text);
      const earlier = seen.get(pattern.shape);
      if (earlier !== undefined) throw new Error(`pattern '${text}': matches the same names as '${earlier}' before it`);
      seen.set(pattern.shape, text);
      return { pattern, rule };
    });
  }

  /** As they were written, in their order. */
  get patterns(): readonly string[] {
    return this.#entries.map(({ pattern }) => pattern.text);
  }

  find(channel: string): MatchedRule | undefined {
    for (const name of ruleNames(channel)) {
      for (const { pattern, rule } of this.#entries) {
        const params = pattern.match(name);
        if (params !== undefined) return { pattern: pattern.text, params, rule };
      }
    }
    return undefined;
  }
}

/**
 * Reads the rules from a module's default export. Throws a sentence that begins with the path if the file is
 * missing, does not load, or does not hold rules. A module is loaded once in a process; `version` makes a changed file
 * load again.
 */
export async function loadRules(path: string, version = ''): Promise<RuleBook> {
  const url = pathToFileURL(resolve(path));
  if (version !== '') url.searchParams.set('version', version);
  try {
    const loaded: { default?: unknown } = await import(url.href);
    return bookOf(loaded.default);
  } catch (cause) {
    const hint = isForeignModule(path, cause) ? COMMONJS_HINT : '';
    throw new Error(`${path}: ${cause instanceof Error ? cause.message : String(cause)}${hint}`, { cause });
  }
}

/** The rules themselves, or those of a file, checked and compiled. Throws a sentence that says what is wrong. */
export async function rulesFrom(source: ChannelRules | string, version = ''): Promise<RuleBook> {
  return typeof source === 'string' ? loadRules(source, version) : bookOf(source);
}

function bookOf(rules: unknown): RuleBook {
  return new RuleBook(checkedRules(rules));
}

const COMMONJS_HINT =
  '. Here .js means CommonJS, since package.json does not say "type": "module": ' +
  'give the file the ending .mjs, or write module.exports = { channels: … }';

/** Node before 22 takes a `.js` for CommonJS wherever package.json does not say otherwise. */
function isForeignModule(path: string, cause: unknown): boolean {
  if (!path.endsWith('.js') || !(cause instanceof SyntaxError)) return false;
  return /^(?:Unexpected token 'export'|Cannot use import statement)/.test(cause.message);
}

function checkedRules(value: unknown): ChannelRules {
  if (!isJsonObject(value)) throw new Error('the default export must be an object { channels, user? }');
  const unknownKey = Object.keys(value).find((key) => key !== 'channels' && key !== 'user');
  if (unknownKey !== undefined) throw new Error(`unknown key '${unknownKey}'; there are channels and user`);
  if (!isJsonObject(value.channels)) throw new Error('channels must be an object of patterns and functions');
  if (value.user !== undefined && typeof value.user !== 'function') throw new Error('user must be a function');
  return value as unknown as ChannelRules;
}
