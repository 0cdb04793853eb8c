import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Prey } from './attacks.ts';
import { HTTP_ATTACKERS } from './http-attackers.ts';
import { REDIS_ATTACKERS } from './redis-attackers.ts';
import { SOCKET_ATTACKERS } from './socket-attackers.ts';
import { WEBHOOK_ATTACKERS } from './webhook-attackers.ts';

/**
 * One attack in a process of its own: `attacker.ts NAME`. Prints a line when it could begin, begins when it is sent its
 * Prey as JSON, and prints what it saw.
 */
const [name = ''] = process.argv.slice(2);
const attacker = { ...HTTP_ATTACKERS, ...SOCKET_ATTACKERS, ...REDIS_ATTACKERS, ...WEBHOOK_ATTACKERS }[name];
if (attacker === undefined) throw new Error(`there is no attack ${name}`);
// What the server does to an attacker's connections is no error here.
process.on('uncaughtException', (error) => console.error(error));
console.log('ready');
const [prey] = await once(createInterface({ input: process.stdin }), 'line');
console.log(await attacker(JSON.parse(String(prey)) as Prey));
process.exit();
