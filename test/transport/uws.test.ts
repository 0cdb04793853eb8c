import t from 'tap';
import { loadUws, UwsUnavailable, unavailableMessage } from '../../src/transport/uws.ts';

const LIMIT = 32_768;

function loader(loadable: Record<string, unknown>) {
  const tried: string[] = [];
  const load = async (specifier: string) => {
    tried.push(specifier);
    if (specifier in loadable) return loadable[specifier];
    throw new Error(`Cannot find package '${specifier}'\nand more`);
  };
  return { tried, load };
}

t.test('the first line that loads is taken, the newest tried first', async (t) => {
  const newest = { name: 'newest' };
  const lts = { name: 'lts' };
  const both = loader({ 'uWebSockets.js': newest, 'uWebSockets.js-lts': lts });
  t.equal(await loadUws(LIMIT, both.load), newest);
  t.strictSame(both.tried, ['uWebSockets.js']);
  const older = loader({ 'uWebSockets.js-lts': lts });
  t.equal(await loadUws(LIMIT, older.load), lts);
  t.strictSame(older.tried, ['uWebSockets.js', 'uWebSockets.js-lts']);
});

t.test('none loads: the error says what was found, what is supported, and why each failed', async (t) => {
  const error = await loadUws(LIMIT, loader({}).load).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UwsUnavailable)) throw new Error(`not UwsUnavailable: ${String(error)}`);
  t.equal(error.code, 'uws_unavailable');
  t.match(error.message, `Node ${process.versions.node}`);
  t.match(error.message, `${process.platform}-${process.arch}`);
  t.match(error.message, /^ {2}uWebSockets\.js: Cannot find package 'uWebSockets\.js'$/m);
  t.match(error.message, /^ {2}uWebSockets\.js-lts: Cannot find package 'uWebSockets\.js-lts'$/m);
  t.notMatch(error.message, 'and more', "the loader's own list of what it supports would contradict ours");
});

t.test('the sentence on musl', async (t) => {
  const found = { node: '22.1.0', platform: 'linux', arch: 'x64', libc: 'musl' };
  const message = unavailableMessage(found, ['uWebSockets.js: no such file']);
  t.match(message, /^uWebSockets\.js has no binary for Node 22\.1\.0 \(musl\) on linux-x64\.$/m);
  t.match(message, /Node 22, 24 and 26 with glibc 2\.38/);
  t.match(message, /Node 20 and 22 with glibc 2\.27/);
  t.match(message, /npm install/);
});

t.test('a line loads here', async (t) => {
  const uws = await loadUws(LIMIT);
  t.type(uws.App, 'function');
  t.type(uws.SSLApp, 'function');
});
