import t from 'tap';
import { payloadOf } from '../../src/webhooks/payload.ts';
import { post } from '../../src/webhooks/post.ts';
import { app } from '../support/unit-app.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const CREDENTIALS = { key: 'app-key', secret: 'app-secret' };
const PAYLOAD = payloadOf(app(CREDENTIALS), [], 1);

const settings = (allowPrivateNetworks: boolean) => ({ timeoutMs: 2000, allowPrivateNetworks, agent: undefined });

t.test('a name is looked at by the addresses that it has when the connection is made', async (t) => {
  const receiver = await WebhookReceiver.start(t, CREDENTIALS);
  const url = new URL(receiver.url.replace('127.0.0.1', 'localhost'));
  await t.rejects(post(url, PAYLOAD, settings(false)), { code: 'private_address' });
  t.equal(receiver.requests, 0);
  t.equal(await post(url, PAYLOAD, settings(true)), 200);
  t.same(receiver.complaints, []);
});

t.test('addresses of this machine and of private networks are refused however they are written', async (t) => {
  const hosts = ['127.0.0.1', '2130706433', '0x7f.1', '10.1.2.3', '169.254.169.254', '0.0.0.0', '100.64.0.1'];
  const six = ['[::1]', '[::ffff:127.0.0.1]', '[fd00::1]', '[fe80::1]', '[::]', '[64:ff9b::7f00:1]'];
  for (const host of [...hosts, ...six]) {
    const refusal = post(new URL(`http://${host}:1/`), PAYLOAD, settings(false));
    await t.rejects(refusal, { code: 'private_address' }, host);
  }
});

t.test('an endpoint that is not there is a failure like any other', async (t) => {
  await t.rejects(post(new URL('http://127.0.0.1:1/'), PAYLOAD, settings(true)), { code: 'ECONNREFUSED' });
  await t.rejects(post(new URL('http://nowhere.invalid/'), PAYLOAD, settings(false)));
});
