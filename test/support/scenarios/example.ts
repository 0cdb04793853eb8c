import type { Test } from 'tap';
import type { ExampleSettings } from '../../../examples/support/settings.ts';
import { type Example, type RunningBackend, serveExample } from '../../../examples/support/web-server.ts';
import { CREDENTIALS, type Deployment, JWT_SECRET } from './deployment.ts';

/** What an example's backend is told of a deployment. */
export function exampleSettings({ target }: Deployment): ExampleSettings {
  return { fanfareUrl: target.origin, publicUrl: target.origin, ...CREDENTIALS, jwtSecret: JWT_SECRET };
}

/** Serves the example's backend, on a free port unless told otherwise; it closes with the test. */
export async function openExample(t: Test, example: Example, port = 0): Promise<RunningBackend> {
  const backend = await serveExample(example, port);
  t.teardown(() => backend.close());
  return backend;
}

/** A call of an example's backend: its JSON, or an error with its status. */
export async function call(url: string, body?: unknown, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return JSON.parse(text) as unknown;
}
