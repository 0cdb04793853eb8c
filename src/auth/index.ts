export type { AskBackend, AskOptions } from './ask-backend.ts';
export { BackendRefused } from './ask-backend.ts';
export type { Authority, IsRevoked } from './authorize.ts';
export { nothingIsRevoked } from './authorize.ts';
export type { DevelopmentToken } from './development-token.ts';
export { signDevelopmentToken } from './development-token.ts';
export { createExplain } from './explain.ts';
export { FailureBlocks } from './failure-blocks.ts';
export type { AuthServerOptions } from './plugin.ts';
export { AUTH_PATHS, buildAuthServer } from './plugin.ts';
export type { RefusalCode, RefusalKind } from './refusals.ts';
export { AuthRefusal, REFUSALS } from './refusals.ts';
export { type RuleRun, ruleToBlame } from './rule-run.ts';
export { RuleTurns } from './rule-turns.ts';
export type {
  ChannelAnswer,
  ChannelContext,
  ChannelRule,
  ChannelRules,
  MemberInfo,
  UserAnswer,
  UserContext,
  UserDetails,
  UserRule,
} from './rules.ts';
export { loadRules, RuleBook, rulesFrom } from './rules.ts';
export type { AuthSettings, JwtProblem, JwtSettings } from './settings.ts';
export { jwtProblems } from './settings.ts';
export type { TokenVerifier, VerifiedUser } from './token.ts';
export { createTokenVerifier } from './token.ts';
export { createTokenCheck } from './token-check.ts';
