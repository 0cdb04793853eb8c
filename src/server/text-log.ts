/**
 * Makes coloured text for people out of the log's JSON lines. Loaded only if it is wanted: production writes JSON.
 */
export async function textLog(isColored: boolean): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({
    colorize: isColored,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  }) as (line: string) => string;
}
