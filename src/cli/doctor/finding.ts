/** What one look at the set-up has shown. */
export interface Finding {
  /** What was looked at, in a word or three. */
  readonly check: string;
  readonly level: 'ok' | 'warning' | 'problem';
  /** A sentence. */
  readonly says: string;
  /** What to do about it, a sentence; none where all is well. */
  readonly advice?: string;
}

export function ok(check: string, says: string): Finding {
  return { check, level: 'ok', says };
}

export function warning(check: string, says: string, advice: string): Finding {
  return { check, level: 'warning', says, advice };
}

export function problem(check: string, says: string, advice: string): Finding {
  return { check, level: 'problem', says, advice };
}
