/** The part of the page's script that keeps and draws the last minutes of each lock. */
export const BOARD_HISTORY = /* js */ `
const SPAN_MS = 300000;
const histories = new Map();
const MAX_HISTORIES = 5000;
/** In place of who held it. */
const FREE = '';
const NOT_SEEN = null;
/** Writes down who holds the lock and how many wait, where that has changed. */
function remember(id, row) {
  const history = histories.get(id) ?? (row && { key: row.key, points: [] });
  if (history === undefined) return;
  // What is not shown may be hidden.
  if (row === undefined) add(history, hidden > 0 ? NOT_SEEN : FREE, 0);
  else add(history, row.holders.map(who).join('; ') || 'nobody (minHold)', row.waiters);
  histories.delete(id);
  histories.set(id, history);
}
function add({ points }, by, waiters) {
  const now = serverNow();
  const last = points.at(-1);
  if (last?.by !== by || last.waiters !== waiters) points.push({ at: now, by, waiters });
  while (points.length > 1 && (points[1].at < now - SPAN_MS || points.length > 500)) points.shift();
}
/** From here on nobody tells what happens. */
function loseSight() {
  for (const history of histories.values()) add(history, NOT_SEEN, 0);
}
/** Too many: those that were told of longest ago, and are not held. */
function forget() {
  for (const id of histories.keys()) {
    if (histories.size <= MAX_HISTORIES) return;
    if (!locks.has(id) && id !== selected) histories.delete(id);
  }
}
function segments(points, now) {
  return points.map((point, i) => ({ ...point, to: points[i + 1]?.at ?? now })).filter(({ to }) => to > now - SPAN_MS);
}
function drawHistory() {
  const history = histories.get(selected);
  byId('history').hidden = history === undefined;
  if (history === undefined) return;
  const now = serverNow();
  byId('history-title').textContent = 'Last 5 minutes of ' + plain(history.key);
  const parts = segments(history.points, now);
  byId('timeline').replaceChildren(picture(parts, now));
  byId('moments').replaceChildren(words(parts, now));
}
const SVG = 'http://www.w3.org/2000/svg';
/** Above who held it, each change of holder in the other colour; below how many waited. */
function picture(parts, now) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 1000 74');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const most = Math.max(1, ...parts.map(({ waiters }) => waiters));
  let other = false;
  let last = null;
  for (const { at, to, by, waiters } of parts) {
    const x = Math.max(0, 1000 - ((now - at) / SPAN_MS) * 1000);
    const width = Math.max(4, 1000 - ((now - to) / SPAN_MS) * 1000 - x);
    if (by === NOT_SEEN) svg.append(block(x, 6, width, 28, 'not-seen'));
    if (by === NOT_SEEN || by === FREE) continue;
    if (by !== last) other = !other;
    last = by;
    svg.append(block(x, 6, width, 28, other ? 'held' : 'held other'));
    const height = (waiters / most) * 30;
    if (waiters > 0) svg.append(block(x, 70 - height, width, height, 'waiting'));
  }
  return svg;
}
function block(x, y, width, height, className) {
  const rect = document.createElementNS(SVG, 'rect');
  for (const [name, value] of Object.entries({ x, y, width, height, class: className })) rect.setAttribute(name, value);
  return rect;
}
function words(parts, now) {
  const list = element('ul');
  for (const { at, to, by, waiters } of parts.slice(-12).reverse()) {
    const ago = to >= now ? 'for ' + duration(to - at) : duration(now - to) + ' ago, for ' + duration(to - at);
    list.append(element('li', (by === NOT_SEEN ? 'not seen' : by === FREE ? 'free' : by) + ': ' + ago + (waiters > 0 ? ', ' + waiters + ' waiting' : '')));
  }
  return list;
}
`;
