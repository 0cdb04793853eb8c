import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FuzzTarget } from './targets/target.ts';

const FOLDER = fileURLToPath(new URL('seeds', import.meta.url));

export function seedFolder(target: FuzzTarget): string {
  return join(FOLDER, target.name);
}

/** What a target begins with: its examples, and what it failed on once. */
export function seedsOf(target: FuzzTarget): Buffer[] {
  const folder = seedFolder(target);
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return [
    ...target.examples.map((example) => Buffer.from(example)),
    ...files.map((file) => readFileSync(join(folder, file))),
  ];
}

/** Keeps an input that failed, so that every later run of the suite begins with it. Returns the file. */
export function keepSeed(target: FuzzTarget, input: Buffer): string {
  const folder = seedFolder(target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(file, input);
  return file;
}
