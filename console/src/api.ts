/** What the admin port answered when it did not do what it was asked. */
class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Parameters = Readonly<Record<string, string | undefined>>;

export function queryOf(parameters: Parameters): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => (pair[1] ?? '') !== '');
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

export async function get<T>(path: string, parameters: Parameters = {}): Promise<T> {
  return await request<T>(path + queryOf(parameters), {});
}

export async function post<T>(path: string, body: object = {}): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return await request<T>(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError(0, 'The server does not answer');
  }
  const body = (await response.json().catch(() => ({}))) as { error?: string };
  if (response.ok) return body as T;
  throw new ApiError(response.status, body.error ?? `The server answered ${response.status}`);
}

export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
