import { readFileSync } from 'node:fs';
import { loadRules } from '../../auth/index.ts';
import { probeRedis } from '../../broker/redis/probe.ts';
import { usesDevelopmentCredentials } from '../../config/development.ts';
import { leftoverWarning } from '../../config/leftovers.ts';
import type { Config } from '../../config/schema.ts';
import type { App } from '../../core/contracts/app.ts';
import { explainHere, verifierHere } from '../authority-here.ts';
import { networkErrorText } from '../server-url.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

export function credentialFindings(config: Config): Finding[] {
  if (!usesDevelopmentCredentials(config)) return [ok('secrets', 'are your own')];
  const advice = 'Set PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET and JWT_SECRET; "fanfare init" makes some up.';
  return [problem('secrets', 'The published development credentials are in use: anybody can sign with them.', advice)];
}

export function leftoverFindings(env: Readonly<Record<string, string | undefined>>): Finding[] {
  const says = leftoverWarning(env);
  return says === undefined
    ? []
    : [warning('environment', says, 'Remove them once Fanfare has the settings they stand for.')];
}

export async function ruleFindings({ auth }: Config): Promise<Finding[]> {
  if (!auth.enabled) return [ok('rules', 'not used: auth.enabled is false')];
  try {
    const { patterns } = await loadRules(auth.rulesFile);
    return [ok('rules', `${auth.rulesFile} loads: ${patterns.length} patterns`)];
  } catch (error) {
    const says = `The rules do not load: ${error instanceof Error ? error.message : String(error)}`;
    return [
      problem(
        'rules',
        says,
        'Mend the file: its default export is { channels: { "pattern": (user, params) => true } }.',
      ),
    ];
  }
}

/** Descriptors that a node needs beyond its clients: for logs, Redis, backends. */
const OTHER_DESCRIPTORS = 200;
const COMFORTABLE_DESCRIPTORS = 10_000;

/** @param limitsFile of the process: `/proc/self/limits`, if the system has such a thing */
export function descriptorFindings({ connections }: Config, limitsFile = '/proc/self/limits'): Finding[] {
  const check = 'file descriptors';
  let limits: string;
  try {
    limits = readFileSync(limitsFile, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return code === 'ENOENT'
      ? []
      : [warning(check, `${limitsFile} cannot be read (${code}).`, 'Look at "ulimit -n" yourself.')];
  }
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const advice =
    'Raise it for the server: LimitNOFILE=200000 in a systemd unit, ulimits in a compose file, or "ulimit -n 200000" in its shell.';
  const room = soft - OTHER_DESCRIPTORS;
  if (connections.max > room) {
    return [
      problem(
        check,
        `This process may open ${soft} files: too few for the ${connections.max} clients of connections.max.`,
        advice,
      ),
    ];
  }
  if (soft < COMFORTABLE_DESCRIPTORS) {
    return [
      problem(check, `This process may open ${soft} files: enough for about ${Math.max(0, room)} clients.`, advice),
    ];
  }
  return [ok(check, `${soft} may be open at once`)];
}

/** Leases and logs count in seconds: clocks that differ by more than this shorten them. */
const MAX_SKEW_MS = 1000;
const SLOW_MS = 20;

export async function redisFindings({ redis }: Config, now: () => number): Promise<Finding[]> {
  if (redis.url === undefined) return [ok('Redis', 'not used: a single node, with its state in memory')];
  try {
    const { timeMs, roundTripMs, version } = await probeRedis(redis.url, redis.acceptTimeoutSeconds * 1000);
    const findings: Finding[] = [
      roundTripMs > SLOW_MS
        ? warning(
            'Redis',
            `It takes ${Math.round(roundTripMs)} ms to answer.`,
            'Put it nearer: every trigger waits for one answer of it.',
          )
        : ok('Redis', `version ${version}, answers in ${roundTripMs.toFixed(1)} ms`),
    ];
    const skewMs = Math.round(timeMs - (now() - roundTripMs / 2));
    const advice = 'Synchronise both (chrony, systemd-timesyncd): tokens and signatures expire by these clocks.';
    const apart = `This machine's clock and that of Redis are ${(Math.abs(skewMs) / 1000).toFixed(1)} s apart.`;
    findings.push(
      Math.abs(skewMs) > MAX_SKEW_MS
        ? problem('clock', apart, advice)
        : ok('clock', `within ${Math.abs(skewMs)} ms of that of Redis`),
    );
    return findings;
  } catch (error) {
    const advice = 'Check REDIS_URL and its password, that Redis runs there, and any firewall in between.';
    return [problem('Redis', `It cannot be used: ${networkErrorText(error)}`, advice)];
  }
}

/** Whether a token is accepted here, and if a channel is given, what the rules say to it. */
export async function tokenFindings(
  config: Config,
  app: App,
  { token, channel }: { readonly token: string; readonly channel: string | undefined },
): Promise<Finding[]> {
  if (!config.auth.enabled) return [];
  const check = 'authorization';
  if (channel === undefined) {
    try {
      const user = await verifierHere(config).verify(token);
      return [ok(check, `the token is valid, for user ${user.id}`)];
    } catch (error) {
      const says = `The token is refused: ${error instanceof Error ? error.message : String(error)}.`;
      return [problem(check, says, TOKEN_ADVICE)];
    }
  }
  const answer = await explainHere(config, { appId: app.id, channel, token });
  if (answer.outcome === 'granted') return [ok(check, answer.reason)];
  const advice = answer.user === undefined ? TOKEN_ADVICE : `"fanfare explain ${channel} --token …" shows each step.`;
  return [problem(check, `Refused (${answer.code}): ${answer.reason}.`, advice)];
}

const TOKEN_ADVICE =
  'Compare auth.jwt with what issues your tokens: the secret or public key, issuer, audience, and the claim of the user.';
