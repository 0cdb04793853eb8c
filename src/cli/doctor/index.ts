import type { Command } from 'commander';
import { ConfigError } from '../../config/problems.ts';
import type { Config } from '../../config/schema.ts';
import { addConfigFlags, type ConfigFlags, chosenApp, loadWith } from '../config-flags.ts';
import { type CliContext, CliFailure } from '../context.ts';
import { painter } from '../output.ts';
import { parseServerUrl } from '../server-url.ts';
import { type Finding, ok } from './finding.ts';
import { publicUrlFindings } from './public-url.ts';
import {
  credentialFindings,
  descriptorFindings,
  leftoverFindings,
  redisFindings,
  ruleFindings,
  tokenFindings,
} from './set-up.ts';

interface DoctorFlags extends ConfigFlags {
  readonly url?: string;
  readonly token?: string;
  readonly channel?: string;
  readonly app?: string;
  readonly quick?: boolean;
  readonly json?: boolean;
}

export function doctorCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description('check a set-up, and say how to mend what is wrong; exit code 1 if anything is')
    .option('--url <url>', 'the public URL, to check it as browsers reach it: TLS, upgrade, timeouts, buffering')
    .option('--token <jwt>', 'the token of a user, to check whether it is accepted')
    .option('--channel <name>', 'with --token: check whether its user may join this channel')
    .option('--app <id>', 'the app (default: the first of the configuration)')
    .option('--quick', 'do not wait to see whether an idle connection stays open')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nRun it where the server runs, with its environment. With --url it takes as long as a ping interval (30 s).' +
        '\n\nExamples:\n  fanfare doctor\n  fanfare doctor --url https://realtime.example.com --token eyJ… --channel private-chat.1',
    )
    .action(async (flags: DoctorFlags) => {
      const findings = await look(flags, context);
      if (flags.json === true) context.print(JSON.stringify(findings));
      else for (const finding of findings) print(finding, context);
      const problems = findings.filter(({ level }) => level === 'problem').length;
      if (problems > 0)
        throw new CliFailure(
          flags.json === true ? '' : `\n${problems} ${problems === 1 ? 'problem' : 'problems'} to mend.`,
        );
    });
}

async function look(flags: DoctorFlags, context: CliContext): Promise<Finding[]> {
  let config: Config;
  try {
    ({ config } = loadWith(context, flags, { checkFiles: true }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems, hint = 'docs/configuration.md has every key.' } = error;
    const advice = `The other checks need a valid configuration. ${hint}`;
    return problems.map((says, index) => ({
      ...{ check: 'configuration', level: 'problem', says },
      ...(index === problems.length - 1 ? { advice } : {}),
    }));
  }
  const { token, channel, url, quick } = flags;
  const app = chosenApp(config.apps, flags.app);
  const rules = await ruleFindings(config);
  const rulesLoad = rules.every(({ level }) => level !== 'problem');
  return [
    ok('configuration', 'valid'),
    ...leftoverFindings(context.env),
    ...credentialFindings(config),
    ...rules,
    ...descriptorFindings(config),
    ...(await redisFindings(config, context.now ?? Date.now)),
    ...(token !== undefined && rulesLoad ? await tokenFindings(config, app, { token, channel }) : []),
    ...(url === undefined ? [] : await publicUrlFindings(parseServerUrl(url), app, config, quick === true)),
  ];
}

function print({ check, level, says, advice }: Finding, context: CliContext): void {
  const paint = painter(context);
  const marks = { ok: paint('green', '✓'), warning: paint('yellow', '!'), problem: paint('red', '✗') };
  context.print(`${marks[level]} ${paint('bold', check)}: ${says}`);
  if (advice !== undefined) context.print(`    ${advice}`);
}
