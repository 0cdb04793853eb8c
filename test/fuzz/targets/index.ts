import { authorization } from './authorization.ts';
import { configuration } from './configuration.ts';
import { frames } from './frames.ts';
import { httpParts } from './http-parts.ts';
import { names } from './names.ts';
import { requests } from './requests.ts';
import { signatures } from './signatures.ts';
import type { FuzzTarget } from './target.ts';
import { tokens } from './tokens.ts';

/** Each with how many runs `npm run fuzz` gives it at least. */
export const TARGETS: ReadonlyArray<readonly [target: FuzzTarget, runs: number]> = [
  [frames, 700_000],
  [requests, 100_000],
  [authorization, 20_000],
  [names, 200_000],
  [signatures, 100_000],
  [configuration, 20_000],
  [tokens, 30_000],
  [httpParts, 200_000],
];
