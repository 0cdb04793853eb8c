import { useState } from 'preact/hooks';
import { post } from './playground-client.ts';

/** What a backend would do by the HTTP API. */
export function Send() {
  const [channel, setChannel] = useState('presence-chat.5');
  const [event, setEvent] = useState('message.sent');
  const [data, setData] = useState('{"text":"hello"}');
  const [said, setSaid] = useState('');
  const send = async () => {
    try {
      await post('trigger', { channel, event, data });
      setSaid(`sent at ${new Date().toLocaleTimeString()}`);
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form
      class="send row"
      aria-label="Backend"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        void send();
      }}
    >
      <h2>The backend</h2>
      <label>
        To channel
        <input value={channel} onInput={(change) => setChannel(change.currentTarget.value)} />
      </label>
      <label>
        Event
        <input value={event} onInput={(change) => setEvent(change.currentTarget.value)} />
      </label>
      <label class="wide">
        Data
        <input value={data} onInput={(change) => setData(change.currentTarget.value)} />
      </label>
      <button type="submit" class="primary">
        Send
      </button>
      <output>{said}</output>
    </form>
  );
}
