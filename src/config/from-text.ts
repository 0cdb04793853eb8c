import type { SettingKind } from './setting.ts';

/**
 * A value written as text (an environment variable, a flag, a `${NAME}` in a file) as the schema wants it. What cannot
 * be read stays text, and the schema then says what it wants instead.
 */
export function fromText(text: string, kind: SettingKind): unknown {
  switch (kind) {
    case 'integer':
    case 'number':
      return /^-?\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'text':
    case 'size':
      return text;
  }
}
