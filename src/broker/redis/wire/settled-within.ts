/**
 * What the promise gives; if it has not settled after so long, what `late` gives or throws. A promise that rejects
 * later is not reported as unhandled.
 */
export async function settledWithin<Value>(
  promise: Promise<Value>,
  limitMs: number,
  late: () => Value,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Value>((resolve, reject) => {
    timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
