import { pathText, SECTIONS, SETTLED, type Section, type Setting } from './describe.ts';
import { OTHER_VARIABLES } from './environment.ts';

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/schema.ts by \`npm run docs:config\`; a test keeps it equal. -->

Fanfare runs without any configuration, on development defaults. Settings come from four places; each overrides those
before it:

1. the defaults below;
2. a JSON file: \`config/fanfare.json\` if there is one, or the file that \`--config\` or \`FANFARE_CONFIG\` names,
   which must then exist;
3. environment variables; in development also those in \`.env\` that the environment itself does not set;
4. flags: \`--port 8080\`, or \`--set connections.maxPerIp=20\` for any key.

Unknown keys, wrong types and bad values are errors. Fanfare lists them all with their paths and does not start; nothing
falls back to a default. \`fanfare check-config\` checks the same without serving, and lists the settings that would be
in force, each with the place it comes from.

\`\`\`json
{
  "port": 6001,
  "apps": [{ "id": "chat", "key": "chat-key", "secret": "\${CHAT_SECRET}", "limits": { "maxEventBytes": "100KB" } }],
  "auth": { "jwt": { "jwksUrl": "https://id.example.com/.well-known/jwks.json", "audience": ["chat"] } }
}
\`\`\`

- \`\${NAME}\` in a text of the file is replaced by that environment variable; one that is not set is an error.
  \`$\${NAME}\` stands for \`\${NAME}\` itself.
- Sizes are bytes, or a text with a unit: \`102400\`, \`"100KB"\`, \`"1.5MB"\` (1 KB is 1024 bytes).
- File names are relative to the working directory.
- Every key has an environment variable, \`FANFARE_\` and its path in capitals. A list is comma-separated, the apps are
  numbered from 0 (\`FANFARE_APPS_0_SECRET\`), and a switch is \`true\` or \`false\`. An empty variable counts as not
  set. The other names in the tables work too (an app's are the first app's); \`FANFARE_…\` wins over them.
- A variable that begins with \`FANFARE_\` and is not in the tables is an error, except:`;

const FOREIGN = `  - \`FANFARE_CONFORMANCE_…\`: settings of the conformance tests;
  - those that Kubernetes sets in every pod for a Service named \`fanfare\` or \`fanfare-…\` (\`FANFARE_SERVICE_HOST\`,
    \`FANFARE_PORT=tcp://…\` and the like): they are ignored.

If no apps are configured, there is one, with the id \`app-id\`, the key \`app-key\` and the secret \`app-secret\`. If
nothing says how tokens are verified, a development secret verifies them. Both are public, so Fanfare warns of them, and
with \`NODE_ENV=production\` it refuses to start with them. Secrets are never printed: not in errors, not in logs, not
by \`check-config\`.`;

const RELOAD = `## What waits for a restart

A [reload](observability.md#reload) takes over every setting except these, and names those of them that have changed:

| settings | why |
|---|---|`;

const BEYOND = `If \`apps[].limits.maxEventBytes\` is raised beyond the largest of any app so far, it holds for backends
at once, but for what clients send only after a restart. A \`resume.maxBytesPerChannel\` that needs a larger
\`connections.maxBackpressureBytes\` holds after a restart; until then it is half of the former one.`;

/** The page docs/configuration.md. */
export function configurationPage(): string {
  const others = Object.entries(OTHER_VARIABLES).map(([name, what]) => `  - \`${name}\`: ${lowered(what)}`);
  return `${[[INTRODUCTION, ...others, FOREIGN].join('\n'), restartText(), ...SECTIONS.map(sectionText)].join('\n\n')}\n`;
}

function lowered(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')};`;
}

function restartText(): string {
  const byReason = new Map<string, string[]>();
  for (const { path, restart } of SETTLED) {
    byReason.set(restart, [...(byReason.get(restart) ?? []), `\`${pathText(path)}\``]);
  }
  const rows = [...byReason].map(([reason, paths]) => `| ${paths.join(', ')} | ${reason} |`);
  return `${[RELOAD, ...rows].join('\n')}\n\n${BEYOND}`;
}

function sectionText(section: Section): string {
  const heading = section.path.length === 0 ? section.description : `\`${pathText(section.path)}\``;
  const about = section.path.length === 0 ? [] : [wrapped(section.description), ''];
  return [
    `## ${heading}`,
    '',
    ...about,
    '| key | environment | type | default | what it does |',
    '|---|---|---|---|---|',
    ...section.settings.map(row),
  ].join('\n');
}

/** Prose in lines of at most 120 columns. */
function wrapped(text: string): string {
  return text.replace(/(.{1,120})(?: |$)/g, '$1\n').trimEnd();
}

function row(setting: Setting): string {
  const variables = [setting.variable.replaceAll('*', 'n'), ...setting.familiarVariables].map((name) => `\`${name}\``);
  const cells = [
    `\`${pathText(setting.path)}\``,
    variables.join('<br>'),
    typeText(setting),
    defaultText(setting),
    setting.description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeText({ kind, range, choices, secret }: Setting): string {
  const type = choices === undefined ? TYPES[kind] : choices.map((name) => `\`${name}\``).join(', ');
  return [type, ...(range === undefined ? [] : [range]), ...(secret ? ['secret'] : [])].join(', ');
}

const TYPES: Readonly<Record<Setting['kind'], string>> = Object.freeze({
  text: 'text',
  integer: 'whole number',
  number: 'number',
  size: 'size',
  boolean: 'true or false',
  list: 'list of texts',
});

function defaultText({ defaultValue, defaultNote, required }: Setting): string {
  if (defaultNote !== undefined) return defaultNote;
  if (required) return 'required';
  if (defaultValue === undefined) return 'not set';
  if (defaultValue === '') return 'empty';
  return Array.isArray(defaultValue) && defaultValue.length === 0 ? 'none listed' : `\`${String(defaultValue)}\``;
}
