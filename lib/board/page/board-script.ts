import { BOARD_HISTORY } from './board-history.js';
import { BOARD_ROWS } from './board-rows.js';
import { BOARD_STREAM } from './board-stream.js';

/**
 * What runs in the browser. It writes text only, never markup: keys and labels are hostile input.
 * Kept as text, like the Lua: it needs no build of its own, and stays whole in a bundle.
 */
export const BOARD_SCRIPT = /* js */ `
'use strict';
const byId = (id) => document.getElementById(id);
const { base, release } = document.documentElement.dataset;
const mayRelease = release === 'true';
const SHOWN = 200;
const locks = new Map();
let sort = { by: 'held', down: true };
let selected = null;
let paused = false;
let hidden = 0;
let trouble = '';
/** The server's clock minus this one. */
let ahead = 0;
const serverNow = () => Date.now() + ahead;

/** What would move the cursor, hide or reorder text is shown as its number. */
const UNPRINTABLE = /[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]/gu;
const plain = (text) => text.replace(UNPRINTABLE, (c) => '\\\\u{' + c.codePointAt(0).toString(16) + '}');
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = plain(String(text));
  if (className) made.className = className;
  return made;
}
function duration(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return s.toFixed(1) + ' s';
  if (s < 120) return Math.round(s) + ' s';
  return s < 7200 ? Math.round(s / 60) + ' min' : Math.round(s / 3600) + ' h';
}
const who = ({ label, host, pid }) => (pid === 0 ? 'another library' : (label ? label + ', ' : '') + host + ' ' + pid);
${BOARD_ROWS}
${BOARD_HISTORY}
${BOARD_STREAM}
function apply({ now, whole, rows, gone, hidden: more, error }) {
  ahead = now - Date.now();
  hidden = more;
  trouble = error ?? '';
  for (const row of rows) {
    locks.set(row.id, row);
    stale.add(row.id);
  }
  const there = new Set(rows.map(({ id }) => id));
  const absent = whole ? [...locks.keys(), ...histories.keys()].filter((id) => !there.has(id)) : gone;
  for (const id of absent) locks.delete(id);
  if (error === undefined) for (const id of [...there, ...absent]) remember(id, locks.get(id));
  else loseSight();
  forget();
  render();
}
function tell(text, bad) {
  const status = byId('status');
  status.className = bad ? 'bad' : '';
  if (status.textContent !== text) status.textContent = text;
}
byId('search').addEventListener('input', render);
byId('controls').addEventListener('submit', (event) => event.preventDefault());
byId('pause').addEventListener('click', ({ currentTarget }) => {
  pause(!paused);
  currentTarget.setAttribute('aria-pressed', String(paused));
});
for (const head of document.querySelectorAll('th[data-sort]')) {
  head.firstElementChild.addEventListener('click', () => {
    const by = head.dataset.sort;
    sort = { by, down: sort.by === by ? !sort.down : by !== 'key' && by !== 'kind' };
    for (const other of document.querySelectorAll('th[data-sort]')) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', sort.down ? 'descending' : 'ascending');
    render();
  });
}
async function askRelease(row) {
  byId('confirm-text').textContent = plain(row.key) + '\\n\\nIts holder goes on and may write beside the next one: '
    + (row.holders.map((holder) => plain(who(holder))).join('; ') || 'nobody (minHold)') + '.';
  const dialog = byId('confirm');
  dialog.returnValue = '';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  focusOn(row.id, 'danger');
  if (dialog.returnValue !== 'release') return;
  const headers = { 'content-type': 'application/json', 'x-lock-board': 'release' };
  const body = JSON.stringify({ service: row.service, key: row.key, mark: row.mark });
  try {
    const answer = await fetch(base + 'release', { method: 'POST', headers, body });
    const { released, error } = await answer.json();
    notice = error ?? (released ? 'Released ' : 'Nobody of ours holds ') + plain(row.key) + '.';
  } catch {
    notice = 'The release did not reach the application.';
  }
  render();
}
let notice = '';
setInterval(() => { if (!paused) tick(); }, 1000);
connect();
`;
