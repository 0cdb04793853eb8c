import type { App } from '../core/contracts/app.ts';
import type { Explain, ExplainedStep, ExplainRequest, Explanation } from '../core/contracts/explanation.ts';
import { channelKind, channelNameProblem } from '../protocol/channel-name.ts';
import { type Attempt, type Authority, channelOf, decide, type Found, namedApp } from './authorize.ts';
import { AuthRefusal } from './refusals.ts';
import { signChannel } from './signed-answers.ts';
import type { VerifiedUser } from './token.ts';

/** More patterns than these are only counted. */
const MAX_PATTERNS_SHOWN = 20;

/**
 * Explains what the authorization endpoint would answer. Whatever depends on the request itself is left out: its
 * origin, and where its token stands.
 *
 * @param rulesFile for the answer
 */
export function createExplain(authority: Authority, rulesFile: string): Explain {
  return async (request) => {
    const attempt: Attempt = { ip: request.ip };
    const found: Evidence = { claimsRead: new Set() };
    const steps: ExplainedStep[] = [];
    let refusal: AuthRefusal | undefined;
    try {
      await walk(authority, request, attempt, found, steps);
    } catch (error) {
      if (!(error instanceof AuthRefusal)) throw error;
      refusal = error;
      steps.push({ step: nextStep(steps, found), passed: false, detail: detailOf(error, authority, found) });
    }
    const { user, rule, info } = found;
    return {
      outcome: refusal === undefined ? 'granted' : 'refused',
      code: refusal?.code,
      reason: refusal === undefined ? grantedReason(request, found) : detailOf(refusal, authority, found),
      steps,
      user: user && { id: user.id, claims: user.claims, expiresAt: user.expiresAt },
      rule: rule && { pattern: rule.pattern, params: rule.params, file: rulesFile },
      claimsRead: [...found.claimsRead],
      info,
    } satisfies Explanation;
  };
}

/** What was found, and what the rule did with it. */
interface Evidence extends Found {
  info?: unknown;
  readonly claimsRead: Set<string>;
}

async function walk(
  authority: Authority,
  { appId, channel, token, socketId }: ExplainRequest,
  attempt: Attempt,
  found: Evidence,
  steps: ExplainedStep[],
): Promise<void> {
  const passed = (step: ExplainedStep['step'], detail: string) => steps.push({ step, passed: true, detail });
  const app = appOf(authority, appId);
  passed('app', `app ${app.id}`);
  if (isOpenToAll(channel, app)) {
    passed('channel', `${kindText(channel)} channel, for which nobody is asked`);
    return;
  }
  channelOf(attempt, { channel_name: channel }, app);
  passed('channel', `${kindText(channel)} channel`);
  const deciding = decide(authority, attempt, { app, socketId, channel, token }, found, (user) =>
    observed(user, found.claimsRead),
  );
  try {
    await deciding;
  } finally {
    if (found.user !== undefined) passed('token', `valid, for user ${found.user.id}`);
    if (found.rule !== undefined) passed('rule', `'${found.rule.pattern}' matches${paramsText(found.rule.params)}`);
  }
  const { user, info } = await deciding;
  found.info = info;
  // What it signs is thrown away: it only tells whether the app can serve the channel.
  signChannel({ app, socketId, channel, user, info }, authority.settings.signChannelData);
  const said = info === undefined ? 'the rule said yes' : 'the rule said yes, with the info of a member';
  passed('answer', `${said}${claimsText(found.claimsRead)}`);
}

function appOf(authority: Authority, appId: string | undefined): App {
  const app = appId === undefined ? undefined : authority.apps.findById(appId);
  if (appId !== undefined && app === undefined) throw new AuthRefusal('app_not_found', `there is no app '${appId}'`);
  const chosen = app ?? namedApp(authority.apps, authority.settings.appId, undefined);
  if (!chosen.enabled) throw new AuthRefusal('app_disabled');
  return chosen;
}

/** The step that failed is the one after those that passed. */
function nextStep(steps: readonly ExplainedStep[], found: Found): ExplainedStep['step'] {
  if (found.rule !== undefined) return 'answer';
  if (found.user !== undefined) return 'rule';
  return steps.length === 0 ? 'app' : steps.length === 1 ? 'channel' : 'token';
}

function detailOf(refusal: AuthRefusal, { rules }: Authority, found: Evidence): string {
  if (refusal.code === 'channel_not_guarded') {
    return 'this channel needs no authorization: its user joins it by signing in, with pusher.signin()';
  }
  if (refusal.code === 'rule_denied') {
    return `the rule '${found.rule?.pattern}' said no to user ${found.user?.id}${claimsText(found.claimsRead)}`;
  }
  if (refusal.code !== 'no_rule') return refusal.message;
  const { patterns } = rules;
  const shown = patterns.slice(0, MAX_PATTERNS_SHOWN).join(', ');
  const more = patterns.length > MAX_PATTERNS_SHOWN ? `, and ${patterns.length - MAX_PATTERNS_SHOWN} more` : '';
  return `${refusal.message}; there are rules for ${shown === '' ? 'nothing' : shown}${more}`;
}

function isOpenToAll(channel: string, { limits }: App): boolean {
  return (
    channelNameProblem(channel, limits.maxChannelNameLength) === undefined && channelKind(channel).access === 'public'
  );
}

function grantedReason({ channel }: ExplainRequest, { user, rule }: Found): string {
  if (rule === undefined) return `everybody may join ${channel}: a public channel takes no token`;
  return `user ${user?.id} may join ${channel}: the rule '${rule?.pattern}' said yes`;
}

function kindText(channel: string): string {
  const { access, encrypted, cache } = channelKind(channel);
  return `a ${[access, encrypted ? 'encrypted' : '', cache ? 'cache' : ''].filter((word) => word !== '').join(' ')}`;
}

function paramsText(params: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? '' : ` with ${pairs.join(', ')}`;
}

function claimsText(claims: ReadonlySet<string>): string {
  return `; of the token's claims it looked at ${claims.size === 0 ? 'none' : [...claims].join(', ')}`;
}

/** The user, with a note taken of each claim that is looked at. */
function observed(user: VerifiedUser, seen: Set<string>): VerifiedUser {
  const claims = new Proxy(user.claims, {
    get(target, name) {
      if (typeof name === 'string') seen.add(name);
      return Reflect.get(target, name);
    },
    has(target, name) {
      if (typeof name === 'string') seen.add(name);
      return Reflect.has(target, name);
    },
  });
  return { ...user, claims };
}
