import { readFileSync } from 'node:fs';
import t from 'tap';
import { ERROR_CODES } from '../../src/protocol/error-codes.ts';

t.test('docs/protocol.md shows the codes that the server uses', async (t) => {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  const [, table] = page.split(/<!-- \/?error-codes -->/);
  if (table === undefined) throw new Error('docs/protocol.md has no <!-- error-codes --> before and after its table');
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  t.strictSame(rows[0], ['code', 'message', 'client']);
  t.strictSame(
    rows.slice(2),
    Object.values(ERROR_CODES).map(({ code, message, client }) => [String(code), message, client]),
  );
});

t.test('codes are in the ranges that stock clients act on', async (t) => {
  const codes = Object.values(ERROR_CODES);
  t.equal(new Set(codes.map(({ code }) => code)).size, codes.length, 'each once');
  for (const { code, message, client } of codes) {
    t.ok(Number.isInteger(code) && code >= 4000 && code < 4400, String(code));
    t.match(message, /^[A-Z].*[^.]$/, 'a sentence without its full stop');
    if (code >= 4100 && code < 4200) t.equal(client, 'reconnects after 1 s');
    if (code >= 4200 && code < 4300) t.equal(client, 'reconnects at once');
    if (code > 4000 && code < 4100) t.equal(client, 'stays disconnected');
    if (code >= 4300) t.equal(client, 'the connection stays open', 'a close with it would end the client for good');
  }
});
