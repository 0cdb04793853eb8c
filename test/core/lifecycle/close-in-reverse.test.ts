import t from 'tap';
import { closeInReverse } from '../../../src/core/lifecycle/close-in-reverse.ts';
import { recordingLogger } from '../../support/fakes.ts';

t.test('the last is closed first, and one that fails keeps none open', async (t) => {
  const closed: string[] = [];
  const part = (name: string, error?: Error) => async () => {
    closed.push(name);
    if (error !== undefined) throw error;
  };
  const { logger, lines } = recordingLogger();
  const opened = [part('first'), part('second', new Error('second fails')), part('third', new Error('third fails'))];
  await t.rejects(closeInReverse(opened, logger), { message: 'third fails' });
  t.strictSame(closed, ['third', 'second', 'first']);
  t.equal(lines.length, 2, 'each failure is logged');
  await closeInReverse(opened, logger);
  t.equal(closed.length, 3, 'nothing is closed twice');
});
