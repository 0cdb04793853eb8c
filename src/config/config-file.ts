import { settingAt } from './describe.ts';
import { fromText } from './from-text.ts';
import type { Problem } from './problems.ts';
import { isTree, type Tree } from './tree.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A file's text as a tree, or the sentence that says why not. The sentence never quotes the text: it may hold a secret.
 */
export function parseConfigFile(text: string): Tree | string {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return isTree(value) ? value : 'must hold one JSON object';
  } catch {
    const { line, column } = firstError(text);
    return `is not valid JSON: see line ${line}, column ${column}`;
  }
}

/**
 * The tree with each `${NAME}` in a text replaced by that variable; `$${NAME}` stands for `${NAME}` itself. Names that
 * are not set go to `unset`.
 */
export function substituted(tree: Tree, env: Environment, unset: Problem[]): Tree {
  return replacedInObject(tree, [], env, unset);
}

function replacedInObject(tree: Tree, path: readonly string[], env: Environment, unset: Problem[]): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [key, replaced(value, [...path, key], env, unset)]),
  );
}

function replaced(value: unknown, path: readonly string[], env: Environment, unset: Problem[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => replaced(item, [...path, String(index)], env, unset));
  if (isTree(value)) return replacedInObject(value, path, env, unset);
  if (typeof value !== 'string') return value;
  let named = false;
  const text = value.replace(/\$?\$\{([^}]*)\}/g, (written, name: string) => {
    if (written.startsWith('$$')) return written.slice(1);
    named = true;
    const found = env[name];
    if (found === undefined) unset.push({ path, message: `names \${${name}}, which is not set in the environment` });
    return found ?? '';
  });
  const setting = settingAt(path);
  return named && setting !== undefined ? fromText(text, setting.kind) : text;
}

const TOKEN =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;

/** Where text that is not JSON first goes wrong; counted from 1. */
function firstError(text: string): { line: number; column: number } {
  let offset = 0;
  let tokenStart = 0;
  const next = (): string => {
    offset += /^[\s\uFEFF]*/.exec(text.slice(offset))?.[0].length ?? 0;
    tokenStart = offset;
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0] ?? '';
    offset += token.length;
    return token;
  };
  // Each of these answers whether the text is right up to here; `tokenStart` stays at what is wrong.
  const rest = (close: string, item: (token: string) => boolean): boolean => {
    let token = next();
    if (token === close) return true;
    while (item(token)) {
      token = next();
      if (token === close) return true;
      if (token !== ',') return false;
      token = next();
    }
    return false;
  };
  const value = (token: string): boolean => {
    if (token === '{') return rest('}', (key) => key.startsWith('"') && next() === ':' && value(next()));
    if (token === '[') return rest(']', value);
    return token !== '' && !'}],:'.includes(token);
  };
  if (value(next())) next();
  const before = text.slice(0, tokenStart).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
