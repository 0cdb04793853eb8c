import { pathText, SETTINGS, type Setting, type SettingPath, variableName } from './describe.ts';
import { nearest } from './nearest.ts';

/** One value from outside the file, still as text. */
export interface Override {
  readonly path: SettingPath;
  readonly setting: Setting;
  readonly text: string;
  /** The variable or the flag, for messages. */
  readonly source: string;
}

const PREFIX = 'FANFARE_';

/** Variables with the prefix that set no key: what reads them is named in the reference. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = Object.freeze({
  FANFARE_CONFIG: 'The configuration file to read; the flag `--config` wins over it.',
  FANFARE_URL: 'The server that commands talk to; the flag `--url` wins over it.',
});

/** The conformance suite's own (`FANFARE_CONFORMANCE_URL`): it runs in the shell that a server may be started from. */
const OF_THE_CONFORMANCE_SUITE = /^FANFARE_CONFORMANCE_/;

/**
 * Set by Kubernetes in every pod for a Service named `fanfare` or `fanfare-…` (Kubernetes docs: Accessing the Service);
 * the port among them, as `FANFARE_PORT=tcp://10.0.0.1:6001`.
 */
const OF_A_KUBERNETES_SERVICE =
  /^FANFARE(?:_\w+)?_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/;
const KUBERNETES_PORT = /^(?:tcp|udp|sctp):\/\//;

function isForeign(name: string, text: string): boolean {
  return (
    name in OTHER_VARIABLES ||
    OF_THE_CONFORMANCE_SUITE.test(name) ||
    OF_A_KUBERNETES_SERVICE.test(name) ||
    (name.endsWith('_PORT') && KUBERNETES_PORT.test(text))
  );
}

/** A `*` for each index: `FANFARE_APPS_*_SECRET`. */
const NAMES = SETTINGS.map((setting) => ({
  setting,
  pattern: new RegExp(`^${setting.variable.replaceAll('*', '(\\d+)')}$`),
}));

/** `FANFARE_APPS_0_SECRET`: the setting, and its path with the index in it. */
function find(name: string): { setting: Setting; path: SettingPath } | undefined {
  for (const { setting, pattern } of NAMES) {
    const [whole, ...indexes] = pattern.exec(name) ?? [];
    if (whole !== undefined) return { setting, path: withIndexes(setting.path, indexes) };
  }
  return undefined;
}

/** The path with the given indexes in place of its `*`, and 0 if there are too few. */
function withIndexes(path: SettingPath, indexes: readonly string[]): SettingPath {
  const left = [...indexes];
  return path.map((step) => (step === '*' ? String(Number(left.shift() ?? 0)) : step));
}

function unknownVariable(name: string): string {
  const indexes = name.match(/(?<=_)\d+(?=_)/g) ?? [];
  const known = SETTINGS.map((setting) => variableName(withIndexes(setting.path, indexes)));
  // What all names begin with makes none of them likelier.
  const bare = (full: string) => full.slice(PREFIX.length);
  const close = nearest(bare(name), [...known, ...Object.keys(OTHER_VARIABLES)].map(bare));
  const hint = close === undefined ? 'docs/configuration.md lists them all' : `did you mean ${PREFIX}${close}?`;
  return `${name}: unknown variable; ${hint}`;
}

/**
 * What the environment sets, in the order in which it is applied. A variable that is set to nothing counts as not set:
 * container tools pass on an unset variable that way.
 */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>, problems: string[]): Override[] {
  const overrides: Override[] = [];
  for (const setting of SETTINGS) {
    const path = withIndexes(setting.path, []);
    const own = env[variableName(path)];
    for (const source of own === undefined || own === '' ? setting.familiarVariables : []) {
      const text = env[source];
      if (text !== undefined && text !== '') overrides.push({ path, setting, text, source });
    }
  }
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX));
  // By number, so that FANFARE_APPS_10_ID comes after FANFARE_APPS_9_ID and lists grow one by one.
  for (const source of names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const text = env[source];
    if (text === undefined || isForeign(source, text)) continue;
    const found = find(source);
    if (found === undefined) problems.push(unknownVariable(source));
    else if (text !== '') overrides.push({ ...found, text, source });
  }
  return overrides;
}

/** The variables that set a concrete path, the first of them first: for messages. */
export function variablesFor(setting: Setting, path: readonly PropertyKey[]): string[] {
  const steps = path.map(String);
  const first = steps.every((step) => !/^\d+$/.test(step) || step === '0');
  return [variableName(steps), ...(first ? setting.familiarVariables : [])];
}

/** What a flag sets: `connections.maxPerIp` and `20`. */
export function fromFlag(path: SettingPath, text: string, source: string, problems: string[]): Override[] {
  const indexes = path.filter((step) => /^\d+$/.test(step));
  const known = SETTINGS.map((setting) => ({ setting, text: pathText(withIndexes(setting.path, indexes)) }));
  const written = pathText(path);
  const found = known.find((candidate) => candidate.text === written);
  if (found !== undefined) return [{ path, setting: found.setting, text, source }];
  const close = nearest(
    written,
    known.map((candidate) => candidate.text),
  );
  problems.push(`${written}: unknown key (from ${source})${close === undefined ? '' : `; did you mean ${close}?`}`);
  return [];
}
