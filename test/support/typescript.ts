/** What Node is given to run TypeScript, from whatever folder. */
export const RUN_TYPESCRIPT = `--import=${new URL('../../scripts/typescript.mjs', import.meta.url).href}`;
