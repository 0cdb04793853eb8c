/**
 * What a reload of the configuration may replace. Whoever has it asks for it each time, and keeps nothing of the
 * answer: so the next reload is in force for all at once.
 */
export type Current<T> = () => T;
