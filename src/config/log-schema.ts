import { choice, count, MB, optionalChoice, section, settled, size } from './setting.ts';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const of = (what: string) => optionalChoice(`Of ${what}.`, LEVELS, 'log.level');

export const logSchema = section('What the server says, line by line, on stdout.', {
  level: choice('The least level that is logged.', LEVELS, 'info'),
  levels: section('The least level of one part of the server, where it is to differ from `log.level`.', {
    connections: of('connections, subscriptions, sign-in and resuming'),
    events: of('events that are accepted and delivered, which are told at `debug`'),
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
    'Of one cause from one address, so many lines are written in a minute; further ones are counted, and summed up ' +
      'in one line with `repeated`. Lines at `debug` are all written. 0: all are.',
    5,
    { max: 10_000 },
  ),
  maxWaitingBytes: size(
    'What may wait in memory for stdout to take it. Beyond it, lines are dropped and counted.',
    MB,
    { min: MB / 16, max: 1024 * MB },
  ),
});
