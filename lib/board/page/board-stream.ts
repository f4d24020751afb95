/** The part of the page's script that keeps it connected, and knows whether it is. */
export const BOARD_STREAM = /* js */ `
const CONNECTING = { text: 'Connecting …', bad: false };
const LOST = { text: 'Connection lost. Trying again …', bad: true };
const REFUSED = { text: 'Refused: sign in again, in another tab. Trying again …', bad: true };
const RETRY_MS = 1000;
const MAX_RETRY_MS = 30000;
/** The server is never silent for half as long: nobody may tell that a connection is gone. */
const SILENCE_MS = 40000;
/** Why what is shown may be old; undefined while each change is told. */
let cutOff = CONNECTING;
let failures = 0;
let events;
let retry;
let silence;
function connect() {
  events = new EventSource(base + 'events');
  hear();
  events.addEventListener('alive', hear);
  events.onmessage = ({ data }) => {
    hear();
    failures = 0;
    cutOff = undefined;
    apply(JSON.parse(data));
  };
  events.onerror = lose;
}
function hear() {
  clearTimeout(silence);
  silence = setTimeout(lose, SILENCE_MS);
}
/** By itself a browser tries again after a cut, but not after an answer other than 200. */
function lose() {
  const wasAnswered = events.readyState === EventSource.CLOSED;
  disconnect();
  if (!wasAnswered || cutOff !== REFUSED) cutOff = LOST;
  if (wasAnswered) void askWhy(events);
  retry = setTimeout(connect, Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures));
  failures += 1;
  render();
}
function disconnect() {
  events.close();
  clearTimeout(retry);
  clearTimeout(silence);
  loseSight();
}
/** An EventSource does not tell with which status it was refused. */
async function askWhy(source) {
  const answer = await fetch(base + 'events', { method: 'HEAD' }).catch(() => undefined);
  if (paused || events !== source || answer === undefined) return;
  cutOff = answer.redirected || answer.status === 401 || answer.status === 403 ? REFUSED : LOST;
  render();
}
function pause(wanted) {
  paused = wanted;
  failures = 0;
  cutOff = paused ? undefined : CONNECTING;
  if (paused) disconnect();
  else connect();
  render();
}
`;
