import { SignJWT } from 'jose';
import t from 'tap';
import { Pusher } from '../support/pusher-client.ts';
import { AUTH, JWT_SECRET, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

const nowSeconds = () => Math.floor(Date.now() / 1000);
const sign = (exp: number) =>
  new SignJWT({ sub: 'ann', exp }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(JWT_SECRET));

t.test('an expired token leads to one reconnect, and to a refusal that the page hears of', async (t) => {
  const jwt = { ...AUTH.jwt, clockToleranceSeconds: 2 };
  const target = await startFanfare(t, { auth: { ...AUTH, jwt, closeOnTokenExpiry: true } });
  const exp = nowSeconds() + 1;
  const token = await sign(exp);
  const { hostname, port } = new URL(target.origin);
  const pusher = new Pusher(target.key, {
    ...{ cluster: '', wsHost: hostname, wsPort: Number(port), forceTLS: false, enabledTransports: ['ws'] },
    channelAuthorization: {
      endpoint: `${target.origin}/broadcasting/auth`,
      transport: 'ajax',
      headers: { Authorization: `Bearer ${token}` },
    },
  });
  t.teardown(() => pusher.disconnect());
  let connections = 0;
  const errors: unknown[] = [];
  pusher.connection.bind('connected', () => {
    connections += 1;
  });
  const channel = pusher.subscribe('private-user.ann');
  channel.bind('pusher:subscription_error', (error: unknown) => errors.push(error));
  await until(() => channel.subscribed, 'the subscription');
  await until(() => Date.now() / 1000 >= exp + 0.2, 'the token has ended', 5000);
  t.equal(connections, 1, 'the clocks may differ by so much: the endpoint takes the token still');
  await until(() => errors.length > 0, 'the refusal', 5000);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.equal(connections, 2, 'closed once, and back once');
  t.equal(errors.length, 1);
});
