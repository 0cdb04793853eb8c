import { fileURLToPath } from 'node:url';

/** The rules that Fanfare comes with: what development runs on without rules of its own, and what `fanfare init` copies. */
export const SHIPPED_RULES_FILE = fileURLToPath(new URL('../../config/channels.js', import.meta.url));
