import t from 'tap';
import { ConfiguredApps } from '../../../src/core/contracts/app.ts';
import { checkHandshake, type Handshake } from '../../../src/core/lifecycle/handshake.ts';
import { app } from '../../support/unit-app.ts';

const open = app();
const apps = new ConfiguredApps([
  open,
  app({ id: 'off', key: 'off-key', enabled: false }),
  app({ id: 'tls', key: 'tls-key', tlsOnly: true }),
  app({ id: 'picky', key: 'picky-key', allowedOrigins: ['https://chat.example.com'] }),
  app({ id: 'both', key: 'both-key', tlsOnly: true, allowedOrigins: ['https://chat.example.com'] }),
]);

function outcome(changes: Partial<Handshake>): string | number {
  const handshake = {
    path: '/app/app-key',
    query: 'protocol=7',
    origin: '',
    ip: '192.0.2.1',
    secure: false,
    ...changes,
  };
  const checked = checkHandshake(handshake, apps);
  return checked.app === undefined ? checked.refusal.code : checked.app.id;
}

t.test('paths: whatever stands in front of /app/{key}', async (t) => {
  const paths: Record<string, string | number> = {
    '/app/app-key': 'app-id',
    '/realtime/app/app-key': 'app-id',
    '/a/b/c/app/app-key': 'app-id',
    '/app/app/app-key': 'app-id',
    '/app/no-such-key': 4001,
    '/app/APP-KEY': 4001,
    '/app/__proto__': 4001,
    '/': 4005,
    '': 4005,
    '/app': 4005,
    '/app/': 4005,
    '/app/app-key/': 4005,
    '/app/app-key/more': 4005,
    '/xapp/app-key': 4005,
    '/App/app-key': 4005,
  };
  for (const [path, expected] of Object.entries(paths)) t.equal(outcome({ path }), expected, path);
});

t.test('a query that no client has is not read', async (t) => {
  t.equal(outcome({ query: `${'a&'.repeat(99)}protocol=7` }), 'app-id');
  t.equal(outcome({ query: `${'a&'.repeat(100)}protocol=7` }), 4006, 'a hundred parameters are enough');
  t.equal(outcome({ query: `protocol=7&token=${'x'.repeat(16_384)}` }), 'app-id', 'the longest token');
  t.equal(outcome({ query: `protocol=7&token=${'x'.repeat(24_576)}` }), 4006);
  const begun = performance.now();
  for (let n = 0; n < 50; n += 1) outcome({ query: `${'a&'.repeat(30_000)}protocol=7` });
  t.ok(performance.now() - begun < 50, 'and costs nothing');
});

t.test('protocol versions', async (t) => {
  const queries: Record<string, string | number> = {
    'protocol=7&client=js&version=8.6.0&flash=false': 'app-id',
    'client=java-client&protocol=5': 'app-id',
    'protocol=6': 'app-id',
    'protocol=07': 'app-id',
    'protocol=4': 4007,
    'protocol=8': 4007,
    'protocol=0': 4007,
    'protocol=99999999999999999999': 4007,
    'protocol=7.5': 4006,
    'protocol=-7': 4006,
    'protocol=seven': 4006,
    'protocol=7%20': 4006,
    'protocol=0x7': 4006,
    'protocol=': 4008,
    protocol: 4008,
    'client=js': 4008,
    '': 4008,
  };
  for (const [query, expected] of Object.entries(queries)) t.equal(outcome({ query }), expected, query);
});

t.test('apps that are not for everyone', async (t) => {
  t.equal(outcome({ path: '/app/off-key' }), 4003);
  t.equal(outcome({ path: '/app/tls-key' }), 4000);
  t.equal(outcome({ path: '/app/tls-key', secure: true }), 'tls');
  t.equal(outcome({ path: '/app/picky-key' }), 'picky', 'what has no origin is not a browser');
  t.equal(outcome({ path: '/app/picky-key', origin: 'https://chat.example.com' }), 'picky');
  t.equal(outcome({ path: '/app/picky-key', origin: 'https://evil.example' }), 4009);
  t.equal(
    outcome({ path: '/app/both-key', origin: 'https://evil.example' }),
    4000,
    'TLS first: the client then tries it',
  );
});

t.test('the sentence about an origin does not name it, and says what to do', async (t) => {
  const handshake = {
    path: '/app/picky-key',
    query: 'protocol=7',
    origin: 'https://evil.example',
    ip: '',
    secure: false,
  };
  const { refusal } = checkHandshake(handshake, apps) as { refusal?: { message: string } };
  t.match(refusal?.message, /allowedOrigins/);
  t.notMatch(refusal?.message, /evil/);
});
