import { randomBytes, randomUUID } from 'node:crypto';
import t from 'tap';
import { loggablePath, resumeSessionOf } from '../../../src/core/lifecycle/resume-token.ts';

t.test('a path that names no session', async (t) => {
  for (const path of ['/app/key', '/some/prefix/app/key', '/resumed/app/key', '/app/resume', '/xresume/a/app/key']) {
    t.equal(resumeSessionOf(path), undefined, path);
  }
});

t.test('a token becomes a digest: the same for the same, and never itself', async (t) => {
  const token = randomUUID();
  const session = resumeSessionOf(`/resume/${token}/app/key`);
  if (session === undefined || session === 'invalid') throw new Error('the token is a good one');
  t.same(resumeSessionOf(`/resume/${token}/pusher/app/key`), session, 'as the path of the HTTP transports');
  t.same(resumeSessionOf(`/prefix/of/ours/resume/${token}/app/key`), session, 'behind a prefix too');
  t.notOk(session.session.includes(token.slice(0, 8)));
  t.notSame(resumeSessionOf(`/resume/${randomUUID()}/app/key`), session);
});

t.test('tokens of 22 to 200 URL-safe characters', async (t) => {
  const good = ['a'.repeat(22), 'A-Z_a-z_0-9_0123456789', 'x'.repeat(200), randomBytes(16).toString('base64url')];
  for (const token of good) t.type(resumeSessionOf(`/resume/${token}/app/key`), 'object', token);
  const bad = [
    '',
    'undefined',
    'a'.repeat(21),
    'x'.repeat(201),
    `${'a'.repeat(22)}%2F`,
    `${'a'.repeat(22)}.`,
    'ä'.repeat(22),
  ];
  for (const token of bad) t.equal(resumeSessionOf(`/resume/${token}/app/key`), 'invalid', token);
});

t.test('what was meant as a token is refused rather than taken for any other path', async (t) => {
  t.equal(resumeSessionOf('/resume/app/key'), 'invalid', 'no token');
  t.equal(resumeSessionOf(`/resume/${'a'.repeat(30)}/${'b'.repeat(30)}/app/key`), 'invalid', 'base64 has slashes');
});

t.test('a token is never whole in a path for the log', async (t) => {
  const token = randomUUID();
  const path = loggablePath(`/p/resume/${token}/app/key`);
  t.equal(path, `/p/resume/${token.slice(0, 4)}…/app/key`);
  t.equal(loggablePath(`/resume/${token}`), `/resume/${token.slice(0, 4)}…`, 'without an app');
  t.equal(loggablePath('/resume/short/app/key'), '/resume/…/app/key');
  t.equal(loggablePath(`/resume/${token}/rest/app/key`), '/resume/…/app/key');
  t.equal(loggablePath(`/resume/${token}/pusher/app/key`), `/resume/${token.slice(0, 4)}…/pusher/app/key`);
  t.equal(loggablePath('/app/key'), '/app/key');
});
