import { compilePattern } from '../../../src/auth/channel-pattern.ts';
import { channelKind, channelNameProblem } from '../../../src/protocol/channel-name.ts';
import { Fault, type FuzzTarget, mustBeSentence, mustHold } from './target.ts';

const MAX_LENGTH = 200;
const RULE = /^(?:[A-Za-z0-9_\-=@,.;]+|#server-to-user-[\s\S]+)$/;
const ACCESS = [
  ['private-', 'private'],
  ['presence-', 'presence'],
  ['#server-to-user-', 'private'],
] as const;

/** The same rule as a regular expression: slow where names are long, and written another way. */
function reference(pattern: string): RegExp {
  const parts = pattern.split(/\{[^{}]*\}/);
  const escaped = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('([^.]+)')}$`);
}

function run(input: Buffer): number {
  const [pattern = '', name = ''] = input.toString('utf8').split('\n', 2);
  const problem = channelNameProblem(name, MAX_LENGTH);
  mustHold((problem === undefined) === (RULE.test(name) && name.length <= MAX_LENGTH), `the name ${name}: ${problem}`);
  if (problem !== undefined) mustBeSentence(problem, []);
  const kind = channelKind(name);
  const access = ACCESS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? 'public';
  mustHold(kind.access === access, `${name} is ${kind.access}`);
  let compiled: ReturnType<typeof compilePattern>;
  try {
    compiled = compilePattern(pattern);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("pattern '")) throw error;
    return 1;
  }
  const found = compiled.match(name);
  const expected = reference(pattern).exec(name);
  if ((found === undefined) !== (expected === null))
    throw new Fault(`${pattern} and ${name}: ${JSON.stringify(found)}`);
  for (const value of Object.values(found ?? {}))
    mustHold(value !== '' && !value.includes('.'), `a parameter of ${pattern} is '${value}' in ${name}`);
  return 1;
}

export const names: FuzzTarget = {
  name: 'names',
  input: 'a rule pattern and a channel name, a line each',
  examples: ['domain.{domainId}\ndomain.7', 'chat-{a}-{b}.x\nchat-1-2.x', '{a}\n#server-to-user-42', '{a}{b}\nab'],
  dictionary: [
    '{a}',
    '{b}',
    '{',
    '}',
    '.',
    '-',
    'private-',
    'presence-',
    'cache-',
    'encrypted-',
    '#server-to-user-',
    '\n',
  ],
  run,
};
