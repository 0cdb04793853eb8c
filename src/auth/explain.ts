import type { App } from '../core/contracts/app.ts';
import type { Explain, ExplainedStep, ExplainRequest, Explanation } from '../core/contracts/explanation.ts';
import { channelKind } from '../protocol/channel-name.ts';
import { type Attempt, type Authority, channelOf, decide, type Found, namedApp } from './authorize.ts';
import { AuthRefusal } from './refusals.ts';
import { signChannel } from './signed-answers.ts';

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
    const found: Found & { info?: unknown } = {};
    const steps: ExplainedStep[] = [];
    let refusal: AuthRefusal | undefined;
    try {
      await walk(authority, request, attempt, found, steps);
    } catch (error) {
      if (!(error instanceof AuthRefusal)) throw error;
      refusal = error;
      steps.push({ step: nextStep(steps, found), passed: false, detail: detailOf(error, authority) });
    }
    const { user, rule, info } = found;
    return {
      outcome: refusal === undefined ? 'granted' : 'refused',
      code: refusal?.code,
      reason: refusal === undefined ? grantedReason(request, found) : detailOf(refusal, authority),
      steps,
      user: user && { id: user.id, claims: user.claims, expiresAt: user.expiresAt },
      rule: rule && { pattern: rule.pattern, params: rule.params, file: rulesFile },
      info,
    } satisfies Explanation;
  };
}

async function walk(
  authority: Authority,
  { appId, channel, token, socketId }: ExplainRequest,
  attempt: Attempt,
  found: Found & { info?: unknown },
  steps: ExplainedStep[],
): Promise<void> {
  const passed = (step: ExplainedStep['step'], detail: string) => steps.push({ step, passed: true, detail });
  const app = appOf(authority, appId);
  passed('app', `app ${app.id}`);
  channelOf(attempt, { channel_name: channel }, app);
  passed('channel', `${kindText(channel)} channel`);
  const deciding = decide(authority, attempt, { app, socketId, channel, token }, found);
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
  passed('answer', found.info === undefined ? 'the rule said yes' : 'the rule said yes, with the info of a member');
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

function detailOf(refusal: AuthRefusal, { rules }: Authority): string {
  if (refusal.code === 'channel_not_guarded') {
    return 'this channel needs no authorization: public channels are open to everyone, and #server-to-user ones to their user';
  }
  if (refusal.code !== 'no_rule') return refusal.message;
  const { patterns } = rules;
  const shown = patterns.slice(0, MAX_PATTERNS_SHOWN).join(', ');
  const more = patterns.length > MAX_PATTERNS_SHOWN ? `, and ${patterns.length - MAX_PATTERNS_SHOWN} more` : '';
  return `${refusal.message}; there are rules for ${shown === '' ? 'nothing' : shown}${more}`;
}

function grantedReason({ channel }: ExplainRequest, { user, rule }: Found): string {
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
