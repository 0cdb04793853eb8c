/** Whether the process, or the system, had no file descriptor left for something: strangers' connections take them. */
export function isOutOfFileDescriptors(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EMFILE' || code === 'ENFILE';
}
