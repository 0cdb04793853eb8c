import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { ROOT, scratchFolder } from './cli.ts';

const OPTIONS = {
  // As a page's bundler resolves packages.
  module: 'ESNext',
  moduleResolution: 'bundler',
  target: 'ES2023',
  lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  types: ['node'],
  strict: true,
  noImplicitOverride: true,
  checkJs: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  noEmit: true,
  paths: { fanfare: [join(ROOT, 'src/index.ts')], 'fanfare/client': [join(ROOT, 'client/index.ts')] },
};

/** A folder that finds the project's packages. */
export function projectFolder(t: Test): string {
  const folder = scratchFolder(t);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  return folder;
}

/** Compiles files in such a folder; answers with what the compiler has against them. */
export function complaints(folder: string, files: readonly string[], options = {}): string {
  const project = join(folder, 'tsconfig.json');
  writeFileSync(project, JSON.stringify({ compilerOptions: { ...OPTIONS, ...options }, files }));
  const compiler = join(ROOT, 'node_modules/typescript/lib/tsc.js');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8', cwd: folder });
  return status === 0 ? '' : stdout;
}
