import {
  createExplain,
  createTokenVerifier,
  loadRules,
  nothingIsRevoked,
  RuleTurns,
  type TokenVerifier,
} from '../auth/index.ts';
import type { Config } from '../config/schema.ts';
import { ConfiguredApps } from '../core/contracts/app.ts';
import type { Explanation } from '../core/contracts/explanation.ts';

/** What the authorization endpoint would answer with this configuration, found out without a server. */
export async function explainHere(
  config: Config,
  { appId, channel, token }: { readonly appId: string | undefined; readonly channel: string; readonly token: string },
): Promise<Explanation> {
  const { auth } = config;
  const explain = createExplain(
    {
      apps: new ConfiguredApps(config.apps),
      settings: auth,
      verifier: verifierHere(config),
      rules: await loadRules(auth.rulesFile),
      turns: new RuleTurns(),
      isRevoked: nothingIsRevoked,
    },
    auth.rulesFile,
  );
  return explain({ appId, channel, token, socketId: '1.1', ip: '127.0.0.1' });
}

/** Verifies tokens as this configuration says; what a server would log of it is in the answers already. */
export function verifierHere({ auth }: Config): TokenVerifier {
  return createTokenVerifier(auth.jwt, { debug: nothing, info: nothing, warn: nothing, error: nothing });
}

function nothing(): void {}
