import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { closeNode, redisNode } from '../../support/contract-cluster.ts';
import { startRedis } from '../../support/redis-server.ts';
import { until } from '../../support/wait.ts';

/** Self-signed, of localhost, valid for a hundred years. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUKA6hT5T8/+E5kVAlxWYSy8A3Fs8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAxMjIyNVoYDzIxMjYxMDI4
MDEyMjI1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASxVPdVOSDsHZiHo7P8Z0GRHZPTWl53COIZKtL8HSdC5HkPAs+peR7u
PAuFfcrzAqetcV3aFx5K8FgdxCmFeNaso28wbTAdBgNVHQ4EFgQUD06LBTd4Uz/J
pvOhpqlp52YMAMUwHwYDVR0jBBgwFoAUD06LBTd4Uz/JpvOhpqlp52YMAMUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgN/WN+ObHdf+qozqy3ALecessKVvIFaR+rlx+dLyRJsYCIFo7
FYHo8JSxAzSjOLRIVuPOkqSU7tMgkwAT2z3lY6Nh
-----END CERTIFICATE-----`;

const CERTIFICATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYKuxaAJc6FvFGxRl
Grv8NX8rLbi64bE3uKeVfptR/g+hRANCAASxVPdVOSDsHZiHo7P8Z0GRHZPTWl53
COIZKtL8HSdC5HkPAs+peR7uPAuFfcrzAqetcV3aFx5K8FgdxCmFeNas
-----END PRIVATE KEY-----`;

await t.test('over TLS, with a certificate authority of one’s own and a user of Redis’s ACL', async (t) => {
  const directory = t.testdir();
  const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  writeFileSync(certFile, CERTIFICATE);
  writeFileSync(keyFile, CERTIFICATE_KEY);
  const tls = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile];
  const redis = await startRedis(...tls, '--tls-port', '0', '--tls-auth-clients', 'no');
  t.teardown(() => redis.stop());
  const rules = ['on', '>s3cret', '~tls:*', '&tls:*', '+@all', '-@dangerous', '+info', '+cluster|slots'];
  await redis.command('ACL', 'SETUSER', 'fanfare', ...rules);
  // Set up over the plain port, which then speaks TLS alone.
  await redis.command('CONFIG', 'SET', 'port', '0', 'tls-port', String(redis.port));
  const url = `rediss://fanfare:s3cret@localhost:${redis.port}`;
  const node = await redisNode({ url, ca: CERTIFICATE, keyPrefix: 'tls:', leaseSeconds: 1 });
  t.teardown(() => closeNode(node));
  await node.broker.subscribe('app/c');
  await node.broker.publish([{ topic: 'app/c', frame: 'x' }]);
  await until(() => node.delivered.length === 1, 'the message arrives');
  await node.roster.enter({ topic: 'app/c', socketId: '1.1' }, () => undefined);
  t.same([...(await node.roster.channels('app', '')).keys()], ['c']);
  t.equal(await node.roster.leave('app/c', '1.1'), 0);
});
