import t from 'tap';
import type { BrokerMessage } from '../../../src/core/contracts/broker.ts';
import { Recorder, type Recording } from '../../../src/core/delivery/recorder.ts';

const TOPIC = 'app/room';
const event = (frame: string, topic = TOPIC): BrokerMessage => ({ topic, frame });
const framesOf = (recording: Recording) => recording.messages().map(({ frame }) => frame);

t.test('each recording has what its topic was sent since it began', async (t) => {
  const recorder = new Recorder();
  recorder.add(event('before'));
  const first = recorder.begin(TOPIC);
  recorder.add(event('1'));
  recorder.add(event('other', 'app/other'));
  const second = recorder.begin(TOPIC);
  recorder.add(event('2'));
  t.same(framesOf(first), ['1', '2']);
  t.same(framesOf(second), ['2']);
  first.stop();
  recorder.add(event('3'));
  t.same(framesOf(second), ['2', '3'], 'whoever began earlier may stop earlier');
  second.stop();
  second.stop();
  t.equal(recorder.characters, 0);
});

t.test('joins that overlap without end keep only what one of them needs', async (t) => {
  const recorder = new Recorder();
  let last = recorder.begin(TOPIC);
  for (let join = 0; join < 1000; join += 1) {
    recorder.add(event('0123456789'));
    const next = recorder.begin(TOPIC);
    last.stop();
    last = next;
    t.ok(recorder.characters <= 10) || t.bailout('it grows');
  }
  last.stop();
  t.equal(recorder.characters, 0);
});

t.test('after a loss, only what came since is of use', async (t) => {
  const recorder = new Recorder();
  const recording = recorder.begin(TOPIC);
  recorder.add(event('1'));
  recorder.lost('app/other');
  t.equal(recording.hasLost, false);
  recorder.lost(TOPIC);
  recorder.add(event('5'));
  t.equal(recording.hasLost, true);
  t.same(framesOf(recording), ['5']);
  const later = recorder.begin(TOPIC);
  t.equal(later.hasLost, false);
  recording.stop();
  later.stop();
});

t.test('what a recording holds is bounded, and it says so', async (t) => {
  const recorder = new Recorder(100);
  const recording = recorder.begin(TOPIC);
  for (let sent = 0; sent < 100; sent += 1) recorder.add(event('0123456789'));
  t.equal(recording.isOverfull, true);
  t.ok(recorder.characters <= 100);
  const other = recorder.begin('app/other');
  recorder.add(event('fine', 'app/other'));
  t.equal(other.isOverfull, false);
  t.same(framesOf(other), ['fine']);
});
