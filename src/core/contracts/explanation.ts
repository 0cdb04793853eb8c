/** A question about a channel: who may join it, and why. */
export interface ExplainRequest {
  /** Undefined: the default app, or the only one. */
  readonly appId: string | undefined;
  readonly channel: string;
  readonly token: string;
  /** What the rule is told of the client. */
  readonly socketId: string;
  readonly ip: string;
}

/** One thing that was looked at on the way to the answer. */
export interface ExplainedStep {
  readonly step: 'app' | 'channel' | 'token' | 'rule' | 'answer';
  readonly passed: boolean;
  readonly detail: string;
}

export interface Explanation {
  readonly outcome: 'granted' | 'refused';
  /** The code of a refusal, as in docs/authorization.md. */
  readonly code: string | undefined;
  /** A sentence. */
  readonly reason: string;
  readonly steps: readonly ExplainedStep[];
  readonly user: { readonly id: string; readonly claims: unknown; readonly expiresAt: number | undefined } | undefined;
  readonly rule:
    | { readonly pattern: string; readonly params: Readonly<Record<string, string>>; readonly file: string }
    | undefined;
  /** Names of the token's claims that the rule looked at. */
  readonly claimsRead: readonly string[];
  /** What others would see of the user on a presence channel. */
  readonly info: unknown;
}

/** Decides as the authorization endpoint does, and says why. The rule runs for real; no signature is given. */
export type Explain = (request: ExplainRequest) => Promise<Explanation>;
