import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** How a setting is written: decides how its environment variable is read and how the reference names its type. */
export type SettingKind = 'text' | 'integer' | 'number' | 'size' | 'boolean' | 'list';

/**
 * What the schema says of a key beside its type. A section (an object, or a list of objects) has the description only.
 */
export interface SettingNotes {
  readonly description: string;
  readonly kind?: SettingKind;
  /** What a number or a size may be, as the reference shows it: `1 to 3600`. */
  readonly range?: string;
  /** Shown as the default if the value itself would not say it. */
  readonly defaultNote?: string;
  /** Its value is never printed. */
  readonly secret?: boolean;
  /** Names other than `FANFARE_…` that set it; used if the first is not set. */
  readonly environment?: readonly string[];
  /** Why a new value waits for a restart; without it, a reload takes it over. Of a section: of all that is in it. */
  readonly restart?: string;
}

export const MB = 1024 * 1024;

/** The notes of every key in the schema. */
export const settings = z.registry<SettingNotes>();

type TextNotes = Omit<SettingNotes, 'description' | 'kind' | 'range' | 'restart'>;

/** A key that is settled once the server has started. */
export function settled<Schema extends z.ZodType>(restart: string, schema: Schema): Schema {
  const notes = settings.get(schema);
  if (notes !== undefined) settings.add(schema, { ...notes, restart });
  return schema;
}

export function count(
  description: string,
  value: number,
  { min = 0, max = MOST }: { readonly min?: number; readonly max?: number } = {},
) {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z
    .int(rule)
    .min(min, rule)
    .max(max, rule)
    .default(value)
    .register(settings, { description, kind: 'integer', range: rangeText(min, max) });
}

export function seconds(
  description: string,
  value: number,
  { min = 0, max = 86_400 }: { readonly min?: number; readonly max?: number } = {},
) {
  const rule = `must be a number of seconds from ${min} to ${max}`;
  return z
    .number(rule)
    .min(min, rule)
    .max(max, rule)
    .default(value)
    .register(settings, { description, kind: 'number', range: rangeText(min, max) });
}

const MOST = 2_147_483_647;

function rangeText(min: number, max: number): string {
  return max === MOST ? `${min} or more` : `${min} to ${max}`;
}

const SIZE_UNITS: Readonly<Record<string, number>> = Object.freeze({
  '': 1,
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
});

/** Bytes of `102400`, `'102400'`, `'100KB'` or `'1.5 MB'` (1 KB is 1024 bytes); undefined for anything else. */
export function parseSize(value: number | string): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  const match = /^(\d+(?:\.\d+)?)\s*(|B|KB|MB|GB)$/i.exec(value.trim());
  const unit = SIZE_UNITS[(match?.[2] ?? '').toUpperCase()];
  if (match === null || unit === undefined) return undefined;
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

export function size(description: string, value: number, { min, max }: { readonly min: number; readonly max: number }) {
  const range = `${sizeText(min)} to ${sizeText(max)}`;
  const rule = `must be a size from ${min} byte${min === 1 ? '' : 's'} to ${sizeText(max)}, such as 102400 or "100KB"`;
  return z
    .union([z.number(), z.string()], rule)
    .transform((written, context) => {
      const bytes = parseSize(written);
      if (bytes !== undefined && bytes >= min && bytes <= max) return bytes;
      context.addIssue({ code: 'custom', message: rule });
      return z.NEVER;
    })
    .default(value)
    .register(settings, { description, kind: 'size', range, defaultNote: sizeText(value) });
}

/** `1048576` as `1MB`, `1000` as `1000`: the largest unit that leaves a whole number. */
export function sizeText(bytes: number): string {
  for (const unit of ['GB', 'MB', 'KB']) {
    const divisor = SIZE_UNITS[unit] ?? 1;
    if (bytes >= divisor && bytes % divisor === 0) return `${bytes / divisor}${unit}`;
  }
  return String(bytes);
}

export function flag(description: string, value: boolean) {
  return z.boolean('must be true or false').default(value).register(settings, { description, kind: 'boolean' });
}

export function choice<const Name extends string>(description: string, names: readonly Name[], value: NoInfer<Name>) {
  return z
    .enum(names, `must be one of ${names.join(', ')}`)
    .default(value)
    .register(settings, { description, kind: 'text' });
}

/** One of these names, or undefined: what another setting says holds then. */
export function optionalChoice<const Name extends string>(
  description: string,
  names: readonly Name[],
  otherwise: string,
) {
  return z
    .enum(names, `must be one of ${names.join(', ')}`)
    .optional()
    .transform((value) => value)
    .register(settings, { description, kind: 'text', defaultNote: `\`${otherwise}\`` });
}

/** Text that must be there. */
export function text(description: string, pattern: RegExp, rule: string, notes: TextNotes = {}) {
  return z
    .string(rule)
    .regex(pattern, rule)
    .register(settings, { description, kind: 'text', ...notes });
}

/** Text that people also write as a whole number, as the ids of other servers are. */
export function textOrNumber(description: string, pattern: RegExp, rule: string, notes: TextNotes = {}) {
  return z
    .union([z.string(), z.int(rule).nonnegative(rule)], rule)
    .transform(String)
    .pipe(z.string().regex(pattern, rule))
    .register(settings, { description, kind: 'text', ...notes });
}

export function textWithDefault(description: string, value: string, pattern: RegExp, rule: string) {
  return z.string(rule).regex(pattern, rule).default(value).register(settings, { description, kind: 'text' });
}

/** Text that may be left out; undefined then. */
export function optionalText(description: string, notes: TextNotes = {}) {
  const rule = 'must be a text that is not empty';
  return z
    .string(rule)
    .regex(/\S/, rule)
    .optional()
    .transform((value) => value)
    .register(settings, { description, kind: 'text', ...notes });
}

/** A list of texts, empty by default; from the environment, comma-separated. */
export function list(description: string, item: z.ZodString, notes: TextNotes = {}) {
  return z
    .array(item, 'must be a list of texts')
    .default([])
    .register(settings, { description, kind: 'list', ...notes });
}

/** A list of texts if none at all differs from an empty one. */
export function optionalList(description: string, item: z.ZodString, notes: TextNotes = {}) {
  return z
    .array(item, 'must be a list of texts')
    .optional()
    .transform((value) => value)
    .register(settings, { description, kind: 'list', ...notes });
}

/** An IP address or a range of them: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. */
export const addressOrRange = z
  .string('must be an IP address or a CIDR range, such as 10.0.0.0/8')
  .refine(isAddressOrRange, 'must be an IP address or a CIDR range, such as 10.0.0.0/8');

function isAddressOrRange(value: string): boolean {
  return value.includes('/')
    ? ipaddr.isValidCIDR(value)
    : ipaddr.IPv6.isValid(value) || ipaddr.IPv4.isValidFourPartDecimal(value);
}

/** An object of settings; absent is the same as empty. */
export function section<Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) {
  const schema = z.strictObject(shape, 'must be an object');
  return schema.prefault({} as z.input<typeof schema>).register(settings, { description });
}
