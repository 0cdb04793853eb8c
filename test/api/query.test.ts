import fc from 'fast-check';
import t from 'tap';
import { formDecoded, parameter, parseQuery, percentDecoded } from '../../src/api/query.ts';
import { Refusal } from '../../src/api/responses.ts';

t.test('parameters in the order of their arrival, names in lower case', async (t) => {
  const query = parseQuery('B=1&&a%5B%5D=x%3Dy&a[]=2&empty=&none&c=d=e&Ü=+&');
  t.same(query, [
    ['b', '1'],
    ['a[]', 'x=y'],
    ['a[]', '2'],
    ['empty', ''],
    ['none', ''],
    ['c', 'd=e'],
    ['ü', ' '],
  ]);
  t.equal(parameter(query, 'a[]'), 'x=y', 'the first');
  t.equal(parameter(query, 'd'), undefined);
  t.same(parseQuery(''), []);
});

t.test('what is no escape stays as it is', async (t) => {
  for (const [given, decoded] of [
    ['100%', '100%'],
    ['%zz%41', '%zzA'],
    ['%C3%A9%', 'é%'],
    ['%ff', '%ff'],
    ['%2', '%2'],
  ] as const) {
    t.equal(percentDecoded(given), decoded, given);
  }
  t.equal(formDecoded('a+b%2Bc'), 'a b+c');
  t.equal(percentDecoded('a+b%2Bc'), 'a+b+c');
});

t.test('a query is so long at most, since a refused signature costs by its length', async (t) => {
  t.equal(parseQuery(`a=${'b'.repeat(4094)}`).length, 1);
  t.throws(
    () => parseQuery(`a=${'b'.repeat(4095)}`),
    new Refusal(400, 'The query is 4097 characters long; the limit is 4096'),
  );
});

t.test('what a form encodes is read back', async (t) => {
  const text = fc.string({ unit: 'binary' });
  t.doesNotThrow(
    () =>
      fc.assert(
        fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (pairs) => {
          const read = parseQuery(new URLSearchParams(pairs).toString());
          return JSON.stringify(read) === JSON.stringify(pairs.map(([name, value]) => [name.toLowerCase(), value]));
        }),
        { numRuns: 100 },
      ),
    '100 queries',
  );
});

t.test('no more than a hundred parameters', async (t) => {
  const query = (count: number): string => Array.from({ length: count }, (_, index) => `p${index}=1`).join('&');
  t.equal(parseQuery(query(100)).length, 100);
  t.throws(() => parseQuery(query(101)), Refusal);
});
