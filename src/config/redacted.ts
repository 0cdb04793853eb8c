import { settingAt } from './describe.ts';
import type { Config } from './schema.ts';

const MASK = '•••';

/** The configuration as it may be printed: each secret that is set is a mask. */
export function redacted(config: Config): unknown {
  return mask(config, []);
}

function mask(value: unknown, path: readonly string[]): unknown {
  if (settingAt(path)?.secret === true) return value === undefined ? undefined : MASK;
  if (Array.isArray(value)) return value.map((item, index) => mask(item, [...path, String(index)]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mask(item, [...path, key])]));
}
