export { UserStatusTeller } from './user-status.ts';
export { wantsFact } from './wanted.ts';
export { type WebhookSettings, Webhooks, type WebhooksDependencies } from './webhooks.ts';
