import type { Command } from 'commander';
import { type CliContext, CliFailure } from './context.ts';
import { printTable } from './output.ts';
import { addServerFlags, askServer, type ServerFlags } from './server-flags.ts';

interface GivenUp {
  readonly id: string;
  readonly given_up_at: string;
  readonly url: string;
  readonly reason: string;
  readonly events: readonly { readonly name: string }[];
}

interface ResendFlags extends ServerFlags {
  readonly all?: boolean;
}

/** Longer than the server waits for an endpoint, whatever `webhooks.timeoutSeconds` is. */
const RESEND_TIMEOUT_MS = 70_000;

type Answer = { readonly resent: true } | { readonly resent: false; readonly reason: string };

export function webhooksCommand(command: Command, context: CliContext): void {
  command
    .description('list the webhooks that were given up, and send them again')
    .addHelpText('after', '\nExamples:\n  fanfare webhooks list\n  fanfare webhooks resend --all');
  listCommand(command.command('list'), context);
  resendCommand(command.command('resend'), context);
}

function listCommand(command: Command, context: CliContext): void {
  addServerFlags(command)
    .description('list the webhooks that could not be delivered, the oldest first')
    .addHelpText('after', '\nExamples:\n  fanfare webhooks list\n  fanfare webhooks list --json')
    .action(async (flags: ServerFlags) => {
      const answer = await givenUp(context, flags);
      if (flags.json === true) {
        context.print(JSON.stringify(answer));
        return;
      }
      const rows = answer.webhooks.map(({ id, given_up_at: at, url, reason, events }) => [
        ...[id, at, String(events.length), url, reason],
      ]);
      if (rows.length === 0 && context.isTerminal) context.print('None was given up.');
      else printTable(context, ['ID', 'GIVEN UP', 'EVENTS', 'URL', 'REASON'], rows);
    });
}

function resendCommand(command: Command, context: CliContext): void {
  addServerFlags(command)
    .description('send webhooks again that were given up; exit code 1 if one fails again')
    .argument('[id...]', 'the ids that "fanfare webhooks list" shows')
    .option('--all', 'all of them, the oldest first')
    .addHelpText(
      'after',
      '\nEach is tried once; one that fails stays in the list. Events keep their ids, so that a receiver can tell which' +
        '\nit has had.\n\nExamples:\n  fanfare webhooks resend 1f0c2b3a4d5e\n  fanfare webhooks resend --all',
    )
    .action(async (ids: readonly string[], flags: ResendFlags) => {
      if (ids.length > 0 === (flags.all === true)) {
        command.error('error: give either ids or --all, to say what is sent again', { exitCode: 2 });
      }
      const known = new Map((await givenUp(context, flags)).webhooks.map((webhook) => [webhook.id, webhook]));
      const wanted = flags.all === true ? [...known.keys()] : ids;
      const unknown = wanted.filter((id) => !known.has(id));
      if (unknown.length > 0) throw new CliFailure(`There is no webhook ${unknown.join(', ')} to send again`);
      const outcomes = await resend(
        context,
        flags,
        wanted.map((id) => known.get(id)).filter((one) => one !== undefined),
      );
      if (flags.json === true) context.print(JSON.stringify({ webhooks: outcomes }));
      const failures = outcomes.filter(({ resent }) => !resent).length;
      if (failures > 0) throw new CliFailure(`${failures} of ${outcomes.length} failed again, and stay in the list.`);
      if (outcomes.length === 0 && flags.json !== true && context.isTerminal) context.print('None was given up.');
    });
}

/** One after another, oldest first. An endpoint that does not take one is not asked to take the next. */
async function resend(context: CliContext, flags: ServerFlags, webhooks: readonly GivenUp[]) {
  const down = new Map<string, string>();
  const outcomes: { readonly id: string; readonly resent: boolean; readonly reason?: string }[] = [];
  for (const { id, url, events } of webhooks) {
    const before = down.get(url);
    const answer: Answer = before === undefined ? await ask(context, flags, id) : { resent: false, reason: before };
    outcomes.push({ id, ...answer });
    if (!answer.resent) down.set(url, answer.reason);
    if (flags.json === true) continue;
    const what = `${id} (${events.length} ${events.length === 1 ? 'event' : 'events'}, ${url})`;
    if (answer.resent) context.print(`Sent ${what}`);
    else context.warn(`Not sent ${what}: ${answer.reason}`);
  }
  return outcomes;
}

async function ask(context: CliContext, flags: ServerFlags, id: string): Promise<Answer> {
  const body = JSON.stringify({ id });
  return (await askServer(context, flags, {
    method: 'POST',
    path: '/webhooks/resend',
    body,
    timeoutMs: RESEND_TIMEOUT_MS,
  })) as Answer;
}

async function givenUp(context: CliContext, flags: ServerFlags): Promise<{ readonly webhooks: readonly GivenUp[] }> {
  const answer = await askServer(context, flags, { method: 'GET', path: '/webhooks/given_up' });
  return answer as { readonly webhooks: readonly GivenUp[] };
}
