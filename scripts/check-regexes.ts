/**
 * `npm run check:regexes`: has recheck prove how the time of every regular expression of src grows with its input,
 * and writes test/hostile/regexes.json, which the suite compares with the code. Fails on one that is not linear,
 * unless the file says already why no stranger's text comes near it. Takes a minute.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from 'recheck';
import { regexLiterals } from '../test/support/regex-literals.ts';

const ROOT = fileURLToPath(new URL('../src', import.meta.url));
const FILE = new URL('../test/hostile/regexes.json', import.meta.url);
const LINEAR = 'linear';

const before = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>;
const after: Record<string, string> = {};
const problems: string[] = [];
const files = readdirSync(ROOT, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();
for (const file of files) {
  for (const { source, flags, line } of regexLiterals(readFileSync(file, 'utf8'))) {
    const path = relative(ROOT, file).split(sep).join('/');
    const key = `${path} /${source}/${flags}`;
    const known = before[key];
    if (known !== undefined && known !== LINEAR) {
      after[key] = known;
      continue;
    }
    const found = await check(source, flags, { timeout: 60_000 });
    if (found.status === 'safe') after[key] = LINEAR;
    else
      problems.push(
        `src/${path}:${line}: /${source}/${flags} is ${found.status}: ${found.status === 'vulnerable' ? found.complexity.summary : found.error.kind}`,
      );
  }
}
writeFileSync(FILE, `${JSON.stringify(after, undefined, 2)}\n`);
for (const problem of problems) console.error(problem);
console.log(`${Object.keys(after).length} regular expressions are fine, ${problems.length} are not`);
process.exitCode = problems.length === 0 ? 0 : 1;
