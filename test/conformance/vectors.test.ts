import t from 'tap';
import { channelAuth, md5, requestSignature, userAuth } from '../support/signing.ts';

/** The published vectors hold for the suite's own signing, with which every other file asks the server. */
const app = { key: '278d425bdf160c739803', secret: '7ad3773142a6692b25b8' };

t.equal(
  channelAuth(app, '1234.1234', 'private-foobar'),
  `${app.key}:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4`,
  'a private channel',
);

t.equal(
  channelAuth(app, '1234.1234', 'presence-foobar', '{"user_id":10,"user_info":{"name":"Mr. Channels"}}'),
  `${app.key}:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80`,
  'a presence channel',
);

t.equal(
  userAuth(app, '1234.1234', '{"id":"12345"}'),
  `${app.key}:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba`,
  'a sign-in',
);

const body = '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}';
t.equal(md5(body), 'ec365a775a4cd0599faeb73354201b6f', 'the body of a request');
t.equal(
  requestSignature(app.secret, 'POST', '/apps/3/events', {
    body_md5: md5(body),
    auth_version: '1.0',
    auth_key: app.key,
    auth_timestamp: '1353088179',
  }),
  'da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c',
  'a request',
);
