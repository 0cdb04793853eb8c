import { ruleToBlame } from '../auth/index.ts';
import type { Logger } from '../core/contracts/logger.ts';
import { isOutOfFileDescriptors } from '../core/contracts/out-of-file-descriptors.ts';

/**
 * Logs an error that nobody has caught; to be called in the process's handlers for such errors. True if a rule's code
 * left it behind: a rule is its author's, so it may refuse its own request and no more; and if there was no file
 * descriptor for something, since anybody's connections may take them all. False if the server is at fault: what it
 * would do from here on cannot be relied on.
 */
export function survives(error: unknown, logger: Logger): boolean {
  const run = ruleToBlame();
  if (run === undefined && isOutOfFileDescriptors(error)) {
    logger.error({ err: error }, 'something failed for want of a file descriptor: the server goes on');
    return true;
  }
  if (run === undefined) {
    logger.error({ err: error }, 'a fault of the server that nobody caught: it stops');
    return false;
  }
  logger.error({ code: 'rule_failed', ...run.fields, reason: run.reasonOf(error) }, 'a rule left an error uncaught');
  run.refuse(error);
  return true;
}
