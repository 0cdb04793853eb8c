/**
 * What the pages of the examples share: who is here, whether the connection stands, and a button that cuts the network,
 * so that anyone can see that nothing is missed. Nothing of this is needed to use Fanfare.
 */

/** The session of the user whom the address names, and the options of a pusher-js that resumes. */
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
  const options = {
    cluster: '',
    wsHost: fanfare.host,
    wsPort: fanfare.port,
    wssPort: fanfare.port,
    forceTLS: fanfare.tls,
    enabledTransports: ['ws', 'wss'],
    // A session of this page: what it misses while the connection is away is sent once it is back.
    wsPath: `/resume/${sessionToken()}`,
    channelAuthorization: authorization('/broadcasting/auth'),
    userAuthentication: authorization('/broadcasting/user-auth'),
  };
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
  header.innerHTML = `<h1></h1><span id="who"></span><span id="state"></span><span class="grow"></span>
    <button type="button" id="cut">Cut the network</button><a class="button" href="/both">Two users</a>`;
  header.querySelector('h1').textContent = title;
  header.querySelector('#who').textContent = session.name ?? `User ${user}`;
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
  // One answer for each channel: how many events follow that were missed.
  let missed = 0;
  let whole = true;
  let timer;
  pusher.connection.bind('message', ({ event, data }) => {
    if (event !== 'fanfare:resumed' || cutAt === undefined) return;
    whole &&= data.recovered;
    missed += data.recovered ? data.events : 0;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const seconds = Math.round((Date.now() - cutAt) / 1000);
      notice.textContent = whole
        ? `Back after ${seconds} s. ${missed === 1 ? 'One event was' : `${missed} events were`} sent again: nothing is lost.`
        : `Back after ${seconds} s, too late for what was missed: the page asked the backend.`;
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

/** crypto.randomUUID is not there on pages of plain http other than localhost's. */
function sessionToken() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
