import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A block of code in a page of the documentation. */
export interface Snippet {
  /** `docs/resume.md:20`. */
  readonly where: string;
  readonly language: string;
  readonly code: string;
}

/** README.md and docs/*.md, relative to the project. */
export const PAGES = ['README.md', ...readdirSync(`${ROOT}docs`).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

const BLOCK = /^```(\w+)\n(.*?)^```$/gms;

export function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(ROOT + page, 'utf8');
  return [...text.matchAll(BLOCK)].map(({ index, 1: language = '', 2: code = '' }) => ({
    where: `${page}:${text.slice(0, index).split('\n').length}`,
    language,
    code,
  }));
}

/** The page's one block in a language that holds the text. */
export function snippetWith(page: string, language: string, text: string): string {
  const found = snippetsOf(page).filter((snippet) => snippet.language === language && snippet.code.includes(text));
  if (found.length !== 1) throw new Error(`${page} has ${found.length} blocks of ${language} with ${text}, not one`);
  return found[0]?.code ?? '';
}

/** What a snippet takes for granted: names that a reader has of their own. */
const AROUND = `
import type PusherClass, { type Channel } from 'pusher-js';
declare global {
  const token: string;
  const key: string;
  const pusher: PusherClass;
  const channel: Channel;
  const seen: Set<number>;
  function currentToken(): string;
  function isMember(userId: string, chatId: string | undefined): Promise<boolean>;
  function friendsOf(userId: string): Promise<string[]>;
  function refetch(channel: string): void;
  function show(message: unknown): void;
}
`;

/** A rule out of its file, or a file of rules: with the types that its file has. */
function withTypes(code: string): string {
  if (code.startsWith("'"))
    return `/** @type {import('fanfare').ChannelRules['channels']} */\nexport default {\n${code}};\n`;
  if (!code.startsWith('export default {')) return `${code}export {};\n`;
  return code.replace('export default {', "/** @type {import('fanfare').ChannelRules} */\nexport default {");
}

/** Each snippet of JavaScript or TypeScript as a file that a strict compiler can take; by file name. */
export function compilableSnippets(): ReadonlyMap<string, string> {
  const files = new Map([['around.d.ts', AROUND]]);
  for (const { where, language, code } of PAGES.flatMap(snippetsOf)) {
    const name = where.replace(/\W+/g, '-');
    if (language === 'js') files.set(`${name}.js`, withTypes(code));
    if (language === 'ts') files.set(`${name}.ts`, `${code}export {};\n`);
  }
  return files;
}
