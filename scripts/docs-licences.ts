import { writeFileSync } from 'node:fs';
import { licencesPage } from './licences.ts';

/** `npm run docs:licences`: writes docs/licences.md anew. */
writeFileSync(new URL('../docs/licences.md', import.meta.url), licencesPage());
