// node --import=./scripts/typescript.mjs FILE.ts: runs TypeScript by leaving out its types, as Node does by itself from
// 22.18 on and Node 20 does not.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
