import { ConfigError } from '../../../src/config/problems.ts';
import { load } from '../../support/config.ts';
import { type FuzzTarget, mustBeSentence, mustHold } from './target.ts';

/** A secret of the environment as a file names it. */
const FROM_ENVIRONMENT = ['$', '{MY_SECRET}'].join('');
const SECRET = 'hush-hush-hush-hush-hush-hush-hush-hush';

function run(input: Buffer): number {
  const [first = '', ...rest] = input.toString('utf8').split('\n');
  const env: Record<string, string> = { MY_SECRET: SECRET };
  // The first line is the environment, if it looks like one.
  const pairs = first.startsWith('$') ? first.slice(1).split(' ') : [];
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at > 0) env[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const file = pairs.length === 0 ? [first, ...rest].join('\n') : rest.join('\n');
  try {
    const { config, warnings } = load({ env, ...(file === '' ? {} : { file }) });
    mustHold(Object.isFrozen(config) && config.apps.length > 0, 'a configuration that is not whole');
    for (const warning of warnings) mustBeSentence(warning, [SECRET]);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    mustHold(error.problems.length > 0, 'a refusal without a problem');
    for (const problem of error.problems) mustHold(!problem.includes(SECRET), `a secret in: ${problem}`);
  }
  return 1;
}

export const configuration: FuzzTarget = {
  name: 'configuration',
  input: 'a line `$NAME=value NAME=value` for the environment if it begins with $, then config/fanfare.json',
  examples: [
    `{"port":6001,"apps":[{"id":"a","key":"k","secret":"${FROM_ENVIRONMENT}","limits":{"maxEventBytes":"100KB"}}]}`,
    '$FANFARE_PORT=6002 FANFARE_APPS_0_SECRET=x REDIS_URL=redis://127.0.0.1:6379\n{}',
    `{"auth":{"jwt":{"secret":"${FROM_ENVIRONMENT}","algorithms":["HS256"]}},"trustedProxies":["10.0.0.0/8"]}`,
    '{"connections":{"max":10,"maxPerIp":2},"resume":{"windowSeconds":60},"apps":[{"id":"a","key":"k","secret":"s",' +
      '"rewind":[{"channels":"news-*","events":3,"seconds":60}],"allowedOrigins":["https://*.example.com"]}]}',
  ],
  dictionary: [
    ...['"apps":', '"auth":', '"limits":', '"port":', '"redis":', '"url":', '"tls":', '"connections":', '"resume":'],
    ...[
      FROM_ENVIRONMENT,
      '${',
      '$${',
      '$FANFARE_',
      'FANFARE_APPS_0_KEY=',
      '_',
      '=',
      'KB',
      'MB',
      '1e9',
      '-1',
      '0.5',
      'null',
    ],
    ...['redis+sentinel://a:1,b:2/m', 'redis+cluster://a:1', '__proto__', 'true', '{}', '[]', '"', ',', ':', '\n'],
  ],
  run,
};
