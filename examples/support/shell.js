/**
 * What the pages of the examples share: who is here, whether the connection stands, and a button that cuts the network,
 * so that anyone can see that nothing is missed. Nothing of this is needed to use Fanfare.
 */

/** The session of the user whom the address names, and the options of a pusher-js that misses nothing. */
export async function openPage(title) {
  const user = new URLSearchParams(location.search).get('user') ?? '1';
  const response = await fetch(`/session?user=${encodeURIComponent(user)}`);
  const session = await response.json();
  if (!response.ok) {
    document.querySelector('header').textContent = `${title}: ${session.error}. Try ?user=1`;
    throw new Error(session.error);
  }
  const { fanfare, token } = session;
  const headers = { Authorization: `Bearer ${token}` };
  const authorization = (path) => ({ transport: 'ajax', endpoint: fanfare.origin + path, headers: { ...headers } });
  const plain = {
    cluster: '',
    wsHost: fanfare.host,
    wsPort: fanfare.port,
    wssPort: fanfare.port,
    // If no WebSocket gets through; without these pusher-js would ask a host of Pusher's. (docs/fallback.md)
    httpHost: fanfare.host,
    httpPort: fanfare.port,
    httpsPort: fanfare.port,
    forceTLS: fanfare.tls,
    enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
    channelAuthorization: authorization('/broadcasting/auth'),
    userAuthentication: authorization('/broadcasting/user-auth'),
  };
  // The whole of what it takes: what the page misses while it is away comes once it is back, each event once.
  const { resumable } = await import(`${fanfare.origin}/fanfare/client.mjs`).catch((error) => {
    document.querySelector('header').textContent =
      `${title}: Fanfare does not answer at ${fanfare.origin}. Does it run?`;
    throw error;
  });
  const options = resumable(Pusher, plain, { onGap: () => document.dispatchEvent(new Event('gap')) });
  const send = (path, body = {}, more = {}) =>
    fetch(path, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', ...more },
      body: JSON.stringify(body),
    });
  return { user, session, headers, key: fanfare.key, options, send, title };
}

/** Fills the header, and follows the connection. */
export function showConnection({ user, session, title }, pusher) {
  const header = document.querySelector('header');
  header.innerHTML = `<h1></h1><span id="state"></span><button type="button" id="cut">Cut the network</button>
    <a class="button" href="/both">Two users</a>`;
  header.querySelector('h1').textContent = title;
  header.querySelector('#state').after(person(session.name ?? `User ${user}`));
  if (window.parent !== window) header.querySelector('a').remove();
  const notice = document.createElement('div');
  notice.id = 'notice';
  notice.setAttribute('role', 'status');
  header.after(notice);

  const state = header.querySelector('#state');
  const show = (text) => {
    state.textContent = text;
    state.toggleAttribute('data-up', text === 'connected');
  };
  show(pusher.connection.state);
  pusher.connection.bind('state_change', ({ current }) => show(current));

  const cut = header.querySelector('#cut');
  let cutAt;
  cut.addEventListener('click', () => {
    if (cutAt === undefined) {
      cutAt = Date.now();
      pusher.disconnect();
      cut.textContent = 'Connect again';
      notice.textContent = 'The network is cut. Let the other user do something, then connect again.';
    } else {
      cut.textContent = 'Cut the network';
      pusher.connect();
    }
  });
  // After a reconnect: what is handed to the page until each channel has said that it is complete.
  let missed = 0;
  let whole = true;
  let timer;
  document.addEventListener('gap', () => {
    whole = false;
  });
  pusher.connection.bind('message', ({ event }) => {
    if (cutAt === undefined) return;
    if (!/^(pusher|pusher_internal|fanfare):|^client-/.test(event)) missed += 1;
    if (event !== 'fanfare:resumed') return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const seconds = Math.round((Date.now() - cutAt) / 1000);
      const came = missed === 1 ? 'The event that you missed is here' : `The ${missed} events that you missed are here`;
      notice.textContent = whole
        ? `Back after ${seconds} s. ${missed === 0 ? 'You missed nothing' : `${came}: nothing is lost`}.`
        : `Away for ${seconds} s, longer than events are kept: load the page again.`;
      [cutAt, missed, whole] = [undefined, 0, true];
    }, 300);
  });
}

/** An element with a text, and perhaps classes. */
export function element(name, text, className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

/** A name with its initial in a circle, of a colour that is always the same. */
export function person(name) {
  const made = element('span', name, 'person');
  const initial = /^User (.)/.exec(name)?.[1] ?? name[0];
  made.dataset.initial = initial;
  made.style.setProperty('--hue', (initial.codePointAt(0) * 47) % 360);
  return made;
}
