import t from 'tap';
import { isOriginAllowed } from '../../../src/core/lifecycle/origins.ts';

t.test('which origins may use an app', async (t) => {
  const cases: [allowed: string[], origin: string, expected: boolean][] = [
    [[], 'https://anything.example', true],
    [['*'], 'https://anything.example', true],
    [['https://chat.example.com'], '', true],
    [['https://chat.example.com'], 'https://chat.example.com', true],
    [['https://chat.example.com'], 'HTTPS://Chat.Example.com', true],
    [['https://Chat.example.com'], 'https://chat.example.com', true],
    [['https://chat.example.com'], 'http://chat.example.com', false],
    [['https://chat.example.com'], 'https://chat.example.com:8443', false],
    [['https://chat.example.com:8443'], 'https://chat.example.com:8443', true],
    [['https://chat.example.com'], 'https://chat.example.com.evil.example', false],
    [['https://chat.example.com'], 'https://evil-chat.example.com', false],
    [['https://chat.example.com'], 'null', false],
    [['https://a.example', 'http://localhost:5173'], 'http://localhost:5173', true],
    [['https://*.example.com'], 'https://chat.example.com', true],
    [['https://*.example.com'], 'https://a.b.example.com', true],
    [['https://*.example.com'], 'https://example.com', false],
    [['https://*.example.com'], 'https://.example.com', false],
    [['https://*.example.com'], 'http://chat.example.com', false],
    [['https://*.example.com'], 'https://evilexample.com', false],
    [['https://*.example.com'], 'https://evil.example/.example.com', false],
    [['https://*.example.com'], 'https://evil.example#.example.com', false],
    [['https://*.example.com'], 'https://user@evil.example.com', false],
    [['https://*.example.com'], 'https://chat.example.com:8443', false],
    [['https://*.example.com:8443'], 'https://chat.example.com:8443', true],
    [['*://*.example.com'], 'https://chat.example.com', false],
  ];
  for (const [allowed, origin, expected] of cases) {
    t.equal(isOriginAllowed(allowed, origin), expected, `${JSON.stringify(allowed)} and ${JSON.stringify(origin)}`);
  }
});
