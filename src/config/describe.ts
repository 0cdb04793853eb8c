import { z } from 'zod';
import { configSchema } from './schema.ts';
import { type SettingKind, settings } from './setting.ts';

/** Steps from the top to a key. `*` stands for any index of a list; a concrete path has the index instead. */
export type SettingPath = readonly string[];

/** One key that takes a value, as the schema tells of it. */
export interface Setting {
  readonly path: SettingPath;
  readonly description: string;
  readonly kind: SettingKind;
  /** What a number or a size may be: `1 to 3600`. */
  readonly range: string | undefined;
  readonly secret: boolean;
  /** Must be set where its section is. */
  readonly required: boolean;
  /** Undefined: there is none, or `defaultNote` tells of it. */
  readonly defaultValue: unknown;
  readonly defaultNote: string | undefined;
  /** Why a new value waits for a restart; undefined: a reload takes it over. */
  readonly restart: string | undefined;
  /** The only values it takes; undefined: not a fixed set. */
  readonly choices: readonly string[] | undefined;
  /** `FANFARE_APPS_*_SECRET`: a `*` stands for an index. */
  readonly variable: string;
  /** Other variables that set it (the first app's, in a list), used if `variable` is not set. */
  readonly familiarVariables: readonly string[];
}

export interface Section {
  readonly path: SettingPath;
  readonly description: string;
  /** Why all of it waits for a restart; undefined: its settings say so themselves. */
  readonly restart: string | undefined;
  readonly settings: readonly Setting[];
}

/** `['apps', '0', 'limits', 'maxEventBytes']` as `apps[0].limits.maxEventBytes`; `*` as `apps[]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map(String)
    .map((step) => (step === '*' ? '[]' : /^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

/** `apps[0].limits.maxEventBytes` or `apps.0.limits.maxEventBytes` as steps. */
export function parsePath(text: string): SettingPath {
  return text.split(/[.[\]]+/).filter((step) => step !== '');
}

/** `FANFARE_` and the path in capitals: `connections.maxPerIp` is `FANFARE_CONNECTIONS_MAX_PER_IP`. */
export function variableName(path: SettingPath): string {
  return `FANFARE_${path.map((step) => step.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()).join('_')}`;
}

/** The same path with `*` for each index. */
function pattern(path: readonly PropertyKey[]): string {
  return path.map((step) => (/^\d+$/.test(String(step)) ? '*' : String(step))).join('.');
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrapped(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? unwrapped(schema.def.in) : schema;
}

function choicesOf(schema: z.core.$ZodType): readonly string[] | undefined {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodEnum ? inner.options.map(String) : undefined;
}

function collect(schema: z.core.$ZodType, path: SettingPath, sections: Section[]): void {
  const own: Setting[] = [];
  const { description = '', restart } = settings.get(schema) ?? {};
  const outer = unwrapped(schema);
  const isList = outer instanceof z.ZodArray;
  const inner = isList ? unwrapped(outer.element) : outer;
  if (isList) path = [...path, '*'];
  if (!(inner instanceof z.ZodObject)) throw new Error(`${pathText(path)}: not a section of the schema`);
  sections.push({ path, description, restart, settings: own });
  for (const [key, child] of Object.entries(inner.shape)) {
    const notes = settings.get(child);
    if (notes === undefined) throw new Error(`${pathText([...path, key])}: the schema says nothing of this key`);
    if (notes.kind === undefined) {
      collect(child, [...path, key], sections);
      continue;
    }
    own.push({
      path: [...path, key],
      description: notes.description,
      kind: notes.kind,
      range: notes.range,
      secret: notes.secret === true,
      required: !z.safeParse(child, undefined).success,
      defaultValue: child instanceof z.ZodDefault ? child.def.defaultValue : undefined,
      defaultNote: notes.defaultNote,
      restart: notes.restart ?? restart,
      choices: choicesOf(child),
      variable: variableName([...path, key]),
      familiarVariables: notes.environment ?? [],
    });
  }
}

function describe(): readonly Section[] {
  const sections: Section[] = [];
  collect(configSchema, [], sections);
  return sections;
}

/** The schema's sections in its own order, each with the keys that take a value. */
export const SECTIONS = describe();

export const SETTINGS: readonly Setting[] = SECTIONS.flatMap((section) => section.settings);

/** What waits for a restart, and why: settings, and sections if that is true of all in them. */
export const SETTLED: readonly { readonly path: SettingPath; readonly restart: string }[] = SECTIONS.flatMap(
  (section): readonly (Section | Setting)[] => (section.restart === undefined ? section.settings : [section]),
).flatMap(({ path, restart }) => (restart === undefined ? [] : [{ path, restart }]));

const byPattern = new Map(SETTINGS.map((setting) => [pattern(setting.path), setting]));
const sectionByPattern = new Map(SECTIONS.map((section) => [pattern(section.path), section]));

/** The setting at a concrete path. */
export function settingAt(path: readonly PropertyKey[]): Setting | undefined {
  return byPattern.get(pattern(path));
}

/** The keys that may stand at a concrete path: settings and sections; empty where it leads nowhere. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const prefix = pattern(path);
  const section = sectionByPattern.get(prefix);
  if (section === undefined) return [];
  const depth = section.path.length;
  const below = SECTIONS.filter(
    (other) => other.path.length > depth && pattern(other.path.slice(0, depth)) === prefix,
  ).map((other) => other.path[depth]);
  const keys = [...section.settings.map((setting) => setting.path.at(-1)), ...below];
  return [...new Set(keys.filter((key): key is string => key !== undefined && key !== '*'))];
}
