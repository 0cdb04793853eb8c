import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const PROJECT = new URL('../', import.meta.url);
/** A file for each of the project's: what it is without its types, and the digest of what it was made from. */
const CACHE = new URL('node_modules/.cache/typescript/', PROJECT);

const digestOf = (text) => createHash('sha256').update(text).digest('hex');

function readCached(file, mark) {
  try {
    const kept = readFileSync(file, 'utf8');
    return kept.endsWith(mark) ? kept : undefined;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function keep(file, text) {
  const own = new URL(`${file.href}.${process.pid}`);
  try {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(own, text);
    renameSync(own, file);
  } catch (error) {
    // In a read-only project it is done anew each time.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
  }
}

/** Lines and columns stay what they are: what is left out becomes spaces. */
async function withoutTypes(source) {
  const { transformSync } = await import('@swc/wasm-typescript');
  return transformSync(source, { mode: 'strip-only' }).code;
}

async function cachedWithoutTypes(path, source) {
  const file = new URL(`${digestOf(path)}.js`, CACHE);
  const mark = `\n//${digestOf(source)}\n`;
  const cached = readCached(file, mark);
  if (cached !== undefined) return cached;
  const text = (await withoutTypes(source)) + mark;
  keep(file, text);
  return text;
}

export async function load(url, context, nextLoad) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== 'file:' || !pathname.endsWith('.ts')) return nextLoad(url, context);
  const text = readFileSync(new URL(url), 'utf8');
  // Tests write files of their own elsewhere, ever new ones.
  const source = await (url.startsWith(PROJECT.href) ? cachedWithoutTypes(pathname, text) : withoutTypes(text));
  return { format: 'module', source, shortCircuit: true };
}
