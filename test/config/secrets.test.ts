import t from 'tap';
import { pathText, SETTINGS } from '../../src/config/describe.ts';
import { redacted } from '../../src/config/redacted.ts';
import { load, problemsOf } from '../support/config.ts';

const MARK = 'hunter2';

t.test('a check prints each secret that is set as a mask, and nothing else as one', async (t) => {
  const { config } = load({
    env: {
      PUSHER_APP_SECRET: `${MARK}-app`,
      FANFARE_APPS_0_ENCRYPTION_MASTER_KEY: Buffer.alloc(32, MARK).toString('base64'),
      JWT_SECRET: `${MARK}-jwt-secret-that-is-long-enough`,
      REDIS_URL: `redis://user:${MARK}@redis`,
      FANFARE_TLS_CERT_FILE: 'c',
      FANFARE_TLS_KEY_FILE: 'k',
      FANFARE_TLS_PASSPHRASE: MARK,
    },
    checkFiles: false,
  });
  const printed = JSON.stringify(redacted(config));
  t.notMatch(printed, MARK);
  t.equal(printed.split('•••').length - 1, 5);
  t.match(redacted(config), {
    port: 6001,
    apps: [{ key: 'app-key', secret: '•••' }],
    redis: { keyPrefix: 'fanfare:' },
  });
});

t.test('secrets that are not set are not masked', async (t) => {
  t.notMatch(JSON.stringify(redacted(load().config)), /passphrase|"url"|encryptionMasterKey/);
});

t.test('every key that sounds like a secret is marked as one', async (t) => {
  const marked = SETTINGS.filter((setting) => setting.secret).map((setting) => pathText(setting.path));
  t.same(
    marked.sort(),
    [
      'admin.token',
      'apps[].encryptionMasterKey',
      'apps[].secret',
      'auth.jwt.secret',
      'redis.url',
      'tls.passphrase',
    ].sort(),
  );
  for (const setting of SETTINGS) {
    if (/secret|passphrase|password|masterkey|token$/i.test(setting.path.at(-1) ?? ''))
      t.ok(setting.secret, pathText(setting.path));
  }
});

t.test('no problem quotes a value, wherever a secret was put by mistake', async (t) => {
  const wrong = `${MARK} /?#:`;
  for (const setting of SETTINGS) {
    const variable = setting.variable.replaceAll('*', '0');
    const problems = problemsOf({ env: { NODE_ENV: 'production', [variable]: wrong } });
    t.ok(problems.length > 0);
    // A file's name is told where the file is not there.
    const told = problems.filter((problem) => !problem.includes('there is no file')).join('\n');
    t.notMatch(told, MARK, variable);
    const file = setting.path.reduceRight<unknown>(
      (value, step) => (step === '*' ? [value] : { [step]: value }),
      `\${X} ${MARK}`,
    );
    const fromFile = problemsOf({ env: { X: wrong }, file }).filter((problem) => !problem.includes('there is no file'));
    t.notMatch(fromFile.join('\n'), MARK, pathText(setting.path));
  }
  t.notMatch(problemsOf({ file: `{"apps":[{"secret": "${MARK}" oops}]}` }).join('\n'), MARK);
  t.notMatch(problemsOf({ flags: [{ path: 'nonsense', value: MARK, flag: '--set' }] }).join('\n'), MARK);
});
