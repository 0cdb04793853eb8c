import t from 'tap';
import { survives } from '../../src/server/uncaught.ts';
import { recordingLogger } from '../support/fakes.ts';

t.test('the server goes on if it had no file descriptor for something, and stops at other faults', async (t) => {
  const { logger, lines } = recordingLogger();
  for (const code of ['EMFILE', 'ENFILE']) {
    t.equal(survives(Object.assign(new Error(`${code}: too many open files`), { code }), logger), true);
    t.match(lines.at(-1), { message: 'something failed for want of a file descriptor: the server goes on' });
  }
  for (const fault of [new Error('a fault'), Object.assign(new Error('no'), { code: 'EACCES' }), undefined]) {
    t.equal(survives(fault, logger), false);
    t.match(lines.at(-1), { message: 'a fault of the server that nobody caught: it stops' });
  }
});
