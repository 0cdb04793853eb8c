import { pino } from 'pino';
import t from 'tap';
import { DEFAULT_REDIS_SETTINGS, redisState } from '../../../src/broker/redis/index.ts';
import { BrokerUnavailable } from '../../../src/core/contracts/broker.ts';
import { RETENTION } from '../../support/contract-cluster.ts';
import { freePort } from '../../support/free-port.ts';
import { within } from '../../support/wait.ts';

t.test('a node whose lease has ended is closed, whatever waits for it', async (t) => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const settings = { ...DEFAULT_REDIS_SETTINGS, url, acceptTimeoutSeconds: 0.3 };
  const { roster, broker } = redisState(settings, () => RETENTION, pino({ level: 'silent' }));
  await broker.start(
    () => undefined,
    () => undefined,
  );
  // What was asked for goes on waiting to be undone, and this is waited for still.
  await t.rejects(
    roster.enter({ topic: 'app/c', socketId: '1.1' }, () => undefined),
    BrokerUnavailable,
  );
  const publishing = t.rejects(broker.publish([{ topic: 'app/c', frame: '{}' }]), BrokerUnavailable);
  await within(Promise.all([roster.close(), broker.close()]), 'both are closed');
  await within(publishing, 'the publish is refused');
  await within(new Promise((resolve) => setTimeout(resolve, 10)), 'the event loop goes round');
  t.equal(broker.isReady(), false);
});
