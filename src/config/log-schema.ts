import { choice, count, MB, optionalChoice, section, settled, size } from './setting.ts';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const of = (what: string) => optionalChoice(`For ${what}.`, LEVELS, 'log.level');

export const logSchema = section('What the server says, line by line, on stdout.', {
  level: choice('Lines below this level are left out.', LEVELS, 'info'),
  levels: section('A level of its own for one part of the server, instead of `log.level`.', {
    connections: of('connections, subscriptions, sign-in and resuming'),
    events: of('events that are accepted and delivered; each is logged at `debug`'),
    api: of('the HTTP API'),
    auth: of('authorization'),
    redis: of('Redis and what is shared by it'),
    webhooks: of('webhooks'),
    transport: of('WebSockets, the HTTP transports and requests'),
    admin: of('the port for operators'),
  }),
  format: settled(
    'the log is opened with it',
    choice(
      'JSON, or coloured text for people. `auto`: text if stdout is a terminal, but never in production.',
      ['auto', 'json', 'text'],
      'auto',
    ),
  ),
  repeatsPerMinute: count(
    'Lines a minute about the same thing from one address; further ones are counted, and summed up in one line with ' +
      '`repeated`. Lines at `debug` are not limited. 0: no limit.',
    5,
    { max: 10_000 },
  ),
  maxWaitingBytes: size(
    'Lines that may wait in memory until stdout takes them. Further ones are dropped and counted.',
    MB,
    { min: MB / 16, max: 1024 * MB },
  ),
});
