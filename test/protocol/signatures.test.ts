import { createHash } from 'node:crypto';
import fc from 'fast-check';
import Pusher from 'pusher';
import t from 'tap';
import { hmacHex } from '../../src/protocol/hmac.ts';
import {
  authValue,
  channelSignature,
  isAuthValid,
  md5Hex,
  requestStringToSign,
  safeEqual,
  sharedSecret,
  userSignature,
} from '../../src/protocol/signatures.ts';

const KEY = '278d425bdf160c739803';
const SECRET = '7ad3773142a6692b25b8';

t.test('the vectors of the Channels docs', async (t) => {
  t.equal(
    channelSignature(SECRET, '1234.1234', 'private-foobar'),
    '58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4',
  );
  const member = '{"user_id":10,"user_info":{"name":"Mr. Channels"}}';
  t.equal(
    channelSignature(SECRET, '1234.1234', 'presence-foobar', member),
    '31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80',
  );
  t.equal(
    userSignature(SECRET, '1234.1234', '{"id":"12345"}'),
    '4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba',
  );
  const body = Buffer.from('{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}');
  t.equal(md5Hex(body), 'ec365a775a4cd0599faeb73354201b6f');
  const text = requestStringToSign('POST', '/apps/3/events', [
    ['auth_key', KEY],
    ['auth_timestamp', '1353088179'],
    ['auth_version', '1.0'],
    ['body_md5', md5Hex(body)],
  ]);
  t.equal(hmacHex(SECRET, text), 'da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c');
});

t.test('the string to sign: keys lower-cased and sorted, values decoded, auth_signature left out', async (t) => {
  const pairs: [string, string][] = [
    ['info', 'user_count,subscription_count'],
    ['Filter_By_Prefix', 'presence- x&y='],
    ['auth_signature', 'abc'],
    ['AUTH_SIGNATURE', 'abc'],
    ['auth_key', KEY],
  ];
  const query = 'filter_by_prefix=presence- x&y=&info=user_count,subscription_count';
  const expected = `GET\n/apps/3/channels\nauth_key=${KEY}&${query}`;
  t.equal(requestStringToSign('GET', '/apps/3/channels', pairs), expected);
  t.equal(requestStringToSign('GET', '/apps/3/channels', [...pairs].reverse()), expected, 'whatever their order');
  t.equal(requestStringToSign('GET', '/x', []), 'GET\n/x\n');
});

t.test("signatures are those of Pusher's own library", async (t) => {
  const masterKey = createHash('sha256').update('master').digest();
  const encryptionMasterKeyBase64 = masterKey.toString('base64');
  const pusher = new Pusher({ appId: '3', key: KEY, secret: SECRET, host: '127.0.0.1', encryptionMasterKeyBase64 });
  const member = { user_id: '7', user_info: { name: 'Zoë' } };
  const presence = pusher.authorizeChannel('1.2', 'presence-x', member);
  t.equal(presence.auth, authValue(KEY, channelSignature(SECRET, '1.2', 'presence-x', JSON.stringify(member))));
  const channel = 'private-encrypted-=@,.;';
  const encrypted = pusher.authorizeChannel('1.2', channel);
  t.equal(encrypted.auth, authValue(KEY, channelSignature(SECRET, '1.2', channel)));
  t.equal(encrypted.shared_secret, sharedSecret(channel, masterKey));
});

t.test('an auth value is valid as a whole or not at all', async (t) => {
  const signature = channelSignature(SECRET, '1.2', 'private-x');
  t.equal(isAuthValid(`${KEY}:${signature}`, KEY, signature), true);
  const wrong = [
    '',
    ':',
    signature,
    `:${signature}`,
    `${KEY}:`,
    `${KEY}:${signature} `,
    ` ${KEY}:${signature}`,
    `${KEY}:${signature.toUpperCase()}`,
    `${KEY}:${signature.slice(1)}`,
    `${KEY}:${channelSignature(SECRET, '1.2', 'private-y')}`,
    `${KEY.slice(1)}:${signature}`,
  ];
  for (const auth of wrong) t.equal(isAuthValid(auth, KEY, signature), false, JSON.stringify(auth));
});

t.test('safeEqual is equality', async () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => safeEqual(a, b) === (a === b) && safeEqual(a, a)));
});

t.test('parts cannot be moved between channel and channel_data', async (t) => {
  t.not(channelSignature(SECRET, '1.2', 'private-x', ''), channelSignature(SECRET, '1.2', 'private-x'));
});
