import { readFile } from 'node:fs/promises';
import t from 'tap';
import { REFUSALS } from '../../src/auth/index.ts';

t.test('docs/authorization.md shows every refusal as it is', async (t) => {
  const page = await readFile(new URL('../../docs/authorization.md', import.meta.url), 'utf8');
  const shown = page.split('\n').filter((line) => /^\| `\w+` \| \d{3} \|/.test(line));
  const rows = Object.entries(REFUSALS).map(
    ([code, { status, body, meaning }]) => `| \`${code}\` | ${status} | ${body} | ${meaning} |`,
  );
  t.strictSame(shown, rows);
});

t.test('a denial is a 403 that says no more than it needs', async (t) => {
  for (const [code, { status, body, level }] of Object.entries(REFUSALS)) {
    if (/^(token|rule|cookie|no_rule|backend|member|encryption)/.test(code)) {
      t.strictSame({ status, body }, { status: 403, body: 'Forbidden' }, code);
    }
    t.not(status >= 500 && level !== 'error', true, `${code}: a fault of the server is an error`);
  }
});
