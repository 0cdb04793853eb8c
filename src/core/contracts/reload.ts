/** What a reload of the configuration did. If there are problems, nothing has changed. */
export interface ReloadOutcome {
  /** Why the new configuration cannot be used, a sentence each. */
  readonly problems: readonly string[];
  /** What is in force now and was not before, a sentence each. */
  readonly changes: readonly string[];
  /** Keys whose new values wait for a restart. */
  readonly needRestart: readonly string[];
}

export type Reload = () => Promise<ReloadOutcome>;
