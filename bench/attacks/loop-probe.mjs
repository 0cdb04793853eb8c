// Loaded into a server by --import, whatever its checkout: tells its parent, whenever that asks, how long its event
// loop has kept timers waiting since it was last asked. Like loop-delay.ts, which a server without tsx cannot load.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;

if (process.send !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  process.on('message', () => {
    const ms = (nanoseconds) => (histogram.count === 0 ? 0 : Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS));
    process.send({ p99Ms: ms(histogram.percentile(99)), maxMs: ms(histogram.max) });
    histogram.reset();
  });
  // It must not keep the server from ending.
  process.channel.unref();
}
