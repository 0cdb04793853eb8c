import { printable } from '../protocol/channel-name.ts';
import { isJsonObject } from '../protocol/frames.ts';
import { type AskBackend, BackendRefused, createAskBackend } from './ask-backend.ts';
import { AuthRefusal } from './refusals.ts';
import { duringRule, RuleRun } from './rule-run.ts';
import type { ChannelAnswer, MemberInfo, UserAnswer } from './rules.ts';

/** What a rule gets to bound its own work by. */
export interface RuleTools {
  readonly signal: AbortSignal;
  readonly ask: AskBackend;
}

/**
 * Runs a team's function for at most `timeoutSeconds`. Rejects with an AuthRefusal: a rule that throws or takes too
 * long is a no, and so is one that leaves an error uncaught meanwhile. `fields` say in the log which rule it was.
 */
export async function runRule<T>(
  token: string,
  timeoutSeconds: number,
  fields: object,
  rule: (tools: RuleTools) => T | Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  let timer: NodeJS.Timeout | undefined;
  let refuse: (cause: unknown) => void = () => undefined;
  const refused = new Promise<never>((_, reject) => {
    refuse = reject;
    timer = setTimeout(() => {
      reject(new AuthRefusal('rule_timeout', `the rule took longer than ${timeoutSeconds} s`));
      controller.abort();
    }, timeoutSeconds * 1000);
  });
  const run = new RuleRun(fields, token, refuse);
  try {
    const answer = duringRule(run, async () => rule({ signal, ask: createAskBackend(token, signal) }));
    return await Promise.race([answer, refused]);
  } catch (cause) {
    if (cause instanceof AuthRefusal) throw cause;
    if (cause instanceof BackendRefused) throw new AuthRefusal('backend_denied', run.reasonOf(cause));
    throw new AuthRefusal('rule_failed', `the rule threw: ${run.reasonOf(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** What a channel's rule granted: the member's info, or undefined for a plain yes. Throws an AuthRefusal for a no. */
export function grantedInfo(answer: ChannelAnswer): MemberInfo | undefined {
  if (answer === true) return undefined;
  if (isNo(answer)) throw new AuthRefusal('rule_denied');
  if (!isJsonObject(answer)) throw invalid('true, false or an object', answer);
  return checkedJson(answer);
}

/** What the user rule granted, ids of the watchlist as text. Throws an AuthRefusal for a no. */
export function grantedDetails(answer: UserAnswer): { info?: MemberInfo; watchlist?: string[] } {
  if (answer === true) return {};
  if (isNo(answer)) throw new AuthRefusal('rule_denied');
  if (!isJsonObject(answer)) throw invalid('true, false or { info?, watchlist? }', answer);
  const { info, watchlist, ...others } = answer;
  const other = Object.keys(others)[0];
  if (other !== undefined) {
    throw new AuthRefusal(
      'rule_result_invalid',
      `the rule returned '${printable(other)}'; there are info and watchlist`,
    );
  }
  if (info !== undefined && !isJsonObject(info)) throw invalid('an object as info', info);
  return {
    ...(info === undefined ? {} : { info: checkedJson(info) }),
    ...(watchlist === undefined ? {} : { watchlist: userIds(watchlist) }),
  };
}

function isNo(answer: unknown): answer is false | null | undefined {
  return answer === false || answer === null || answer === undefined;
}

function userIds(watchlist: unknown): string[] {
  if (!Array.isArray(watchlist)) throw invalid('a list as watchlist', watchlist);
  return watchlist.map((id: unknown) => {
    if (typeof id === 'number' || (typeof id === 'string' && id !== '')) return String(id);
    throw invalid('user ids in watchlist', id);
  });
}

/**
 * As the client will get it; a cycle, a BigInt or a toJSON of its own kind would fail later, where no rule is to blame.
 */
function checkedJson(info: Record<string, unknown>): MemberInfo {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(info));
    if (isJsonObject(copy)) return copy;
  } catch (cause) {
    throw new AuthRefusal('rule_result_invalid', 'the rule returned an object that cannot be written as JSON', {
      cause,
    });
  }
  throw new AuthRefusal('rule_result_invalid', 'the rule returned an object that is none as JSON');
}

function invalid(expected: string, got: unknown): AuthRefusal {
  const kind = Array.isArray(got) ? 'a list' : `a ${typeof got}`;
  return new AuthRefusal('rule_result_invalid', `the rule returned ${kind} instead of ${expected}`);
}
