import type { HttpResponse } from '../core/contracts/http.ts';
import type { ApiCall } from './api-call.ts';
import { DONE } from './responses.ts';

/** POST /apps/{id}/users/{userId}/terminate_connections: done, too, if the user has none. (HTTP API: users) */
export async function postTerminateConnections(call: ApiCall): Promise<HttpResponse> {
  await call.deps.terminate(call.app, call.name);
  return DONE;
}
