import t from 'tap';
import { SendOrder } from '../../../src/transport/xhr/send-order.ts';
import { until } from '../../support/wait.ts';

/** What is delivered when sends with these numbers come, the session having been opened by number 10. */
function take(order: SendOrder, delivered: number[], ...numbers: number[]): void {
  for (const number of numbers) order.take(number, () => delivered.push(number));
}

t.test('sends that come in order are delivered at once', async (t) => {
  const [order, delivered]: [SendOrder, number[]] = [new SendOrder(10), []];
  take(order, delivered, 11, 12, 13);
  t.strictSame(delivered, [11, 12, 13]);
});

t.test('sends that overtake one another are delivered in the order in which they were sent', async (t) => {
  const [order, delivered]: [SendOrder, number[]] = [new SendOrder(10), []];
  take(order, delivered, 13, 12);
  t.strictSame(delivered, [], 'they wait for the first');
  take(order, delivered, 11, 14);
  t.strictSame(delivered, [11, 12, 13, 14]);
});

t.test('a repetition is delivered once, be it late or while it waits', async (t) => {
  const [order, delivered]: [SendOrder, number[]] = [new SendOrder(10), []];
  take(order, delivered, 12, 12, 11, 11, 12, 13, 13);
  t.strictSame(delivered, [11, 12, 13]);
});

t.test('a gap that nothing fills is waited for a moment; what fills it later is delivered still', async (t) => {
  const [order, delivered]: [SendOrder, number[]] = [new SendOrder(10), []];
  take(order, delivered, 12, 15);
  await until(() => delivered.length === 2, 'the sends behind the gap');
  take(order, delivered, 11, 16, 11);
  t.strictSame(delivered, [12, 15, 11, 16]);
});

t.test('numbers that other clients of the page use up cost no time after the third', async (t) => {
  const [order, delivered]: [SendOrder, number[]] = [new SendOrder(10), []];
  for (const number of [20, 30, 40]) {
    take(order, delivered, number);
    await until(() => delivered.includes(number), 'the send behind a gap');
  }
  take(order, delivered, 50, 60);
  t.strictSame(delivered, [20, 30, 40, 50, 60]);
});

t.test('only so many wait', async (t) => {
  const [order, delivered]: [SendOrder, number[]] = [new SendOrder(10), []];
  take(order, delivered, ...Array.from({ length: 65 }, (_, i) => 100 + 2 * i));
  t.strictSame(delivered, [228], 'the rest is delivered as it comes');
  order.close();
});

t.test('after the close nothing is delivered', async (t) => {
  const [order, delivered]: [SendOrder, number[]] = [new SendOrder(10), []];
  take(order, delivered, 12);
  order.close();
  await new Promise((resolve) => setTimeout(resolve, 150));
  t.strictSame(delivered, []);
});
