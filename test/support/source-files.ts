import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the project, for the tests that read the project itself. */
export interface SourceFile {
  /** With forward slashes: `core/session.ts`. */
  readonly path: string;
  readonly text: string;
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const MAX_COLUMNS = 120;

/** A line may be longer if it is one text or one pattern, which a formatter does not break and a search should find. */
const UNBREAKABLE = /^\s*(?:return |\w+: )?(?:(['"`]).*\1|\/.*\/\w*)[,;)]*(?: \+)?$/;

export function longLines({ path, text }: SourceFile): string[] {
  return text.split('\n').flatMap((line, index) => {
    const isLong = [...line].length > MAX_COLUMNS && !UNBREAKABLE.test(line);
    return isLong ? [`${path}:${index + 1} is longer than ${MAX_COLUMNS} columns`] : [];
  });
}

/** Lines of prose that are too long. Tables, code and the targets of links do not count. */
export function longProse({ path, text }: SourceFile): string[] {
  let isCode = false;
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*```/.test(line)) isCode = !isCode;
    if (isCode || /^\s*[|#]/.test(line)) return [];
    const columns = [...line.replace(/\]\([^)]*\)|\bhttps?:\S+/g, '')].length;
    return columns > MAX_COLUMNS ? [`${path}:${index + 1} is longer than ${MAX_COLUMNS} columns`] : [];
  });
}

/** The files of a folder of the project, those that tools have put there left out. */
export function filesOf(folder: string, pattern: RegExp, recursive: boolean): SourceFile[] {
  const root = join(PROJECT, folder);
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[\\/](?:node_modules|dist|\.soketi|results)[\\/]/.test(file))
    .map((file) => ({ path: relative(PROJECT, file).split(sep).join('/'), text: readFileSync(file, 'utf8') }));
}
