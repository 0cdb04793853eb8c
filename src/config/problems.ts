import type { z } from 'zod';
import { keysAt, pathText, SETTINGS, settingAt } from './describe.ts';
import { variablesFor } from './environment.ts';
import { nearest } from './nearest.ts';
import { type Tree, valueAt } from './tree.ts';

/** One thing wrong with a configuration. The message never holds a value that was given: it may be a secret. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  /** What would work, but should not stay so. */
  readonly warnings: readonly string[];

  /** What may be behind them all. */
  readonly hint: string | undefined;

  constructor(problems: readonly string[], warnings: readonly string[] = [], hint?: string) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The configuration has ${count}:\n  ${problems.join('\n  ')}${hint === undefined ? '' : `\n${hint}`}`);
    this.name = 'ConfigError';
    this.problems = problems;
    this.warnings = warnings;
    this.hint = hint;
  }
}

/** Everything that the schema has against `tree`. */
export function schemaProblems(issues: readonly z.core.$ZodIssue[], tree: Tree): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...issue.path, key], message: unknownKey(issue.path, key) }));
    }
    if (valueAt(tree, issue.path) === undefined) return [{ path: issue.path, message: missing(issue.path) }];
    return [{ path: issue.path, message: issue.message }];
  });
}

/** "set auth.jwt.secret, by JWT_SECRET say": how to set a key. */
export function howToSet(path: readonly PropertyKey[]): string {
  const setting = settingAt(path);
  const names = setting === undefined ? [] : variablesFor(setting, path);
  return names.length === 0 ? 'set it' : `set it in the file or by ${names.join(' or ')}`;
}

function missing(path: readonly PropertyKey[]): string {
  return `is missing; ${howToSet(path)}`;
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const close = nearest(key, keysAt(path)) ?? elsewhere(key);
  return `unknown key${close === undefined ? '' : `; did you mean ${close}?`}`;
}

/** The full path of a key of just this name that belongs in another section. */
function elsewhere(key: string): string | undefined {
  const setting = SETTINGS.find((known) => known.path.at(-1) === key);
  return setting === undefined ? undefined : pathText(setting.path);
}
