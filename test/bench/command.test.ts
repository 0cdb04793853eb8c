import t from 'tap';
import { readOptions, usageOf } from '../../bench/support/command.ts';

const OPTIONS = {
  rounds: { what: 'rounds of all', count: 5, quick: 1, most: 100 },
  plain: { what: 'plain clients', count: 20, least: 0, most: 50 },
  json: { what: 'write JSON', text: 'FILE' },
  enforce: { what: 'exit with 2', flag: true },
} as const;

t.test('options have defaults, a quick form and bounds', async (t) => {
  const none = { json: undefined, enforce: false };
  t.same(readOptions(OPTIONS, []), { rounds: 5, plain: 20, ...none });
  t.same(readOptions(OPTIONS, ['--quick']), { rounds: 1, plain: 20, ...none });
  t.same(readOptions(OPTIONS, ['--quick', '--rounds', '3', '--plain=0', '--json=x', '--enforce']), {
    rounds: 3,
    plain: 0,
    json: 'x',
    enforce: true,
  });
  for (const bad of ['0', '101', '1.5', 'x', ''])
    t.throws(() => readOptions(OPTIONS, [`--rounds=${bad}`]), { message: '--rounds takes 1 to 100' });
  t.throws(() => readOptions(OPTIONS, ['--round', '1']), { message: /--round/ });
});

t.test('the usage names every option with its default', async (t) => {
  const usage = usageOf('npm run x', OPTIONS);
  t.match(usage, /--rounds N\s+rounds of all \(5, 1 with --quick\)\n/);
  t.match(usage, /--json FILE\s+write JSON\n/);
  t.match(usage, /--enforce\s+exit with 2\n/);
  t.match(usage, /--quick\s/);
});
