/** The part of the page's script that keeps and draws the last minutes of each lock. */
export const BOARD_HISTORY = /* js */ `
const SPAN_MS = 300000;
const histories = new Map();
/** Writes down who held the lock and how many waited, whenever that changes. */
function remember(before, row) {
  const id = (row ?? before)?.id;
  if (id === undefined) return;
  const now = serverNow();
  const history = histories.get(id) ?? { key: (row ?? before).key, points: [] };
  history.points.push({ at: now, who: row ? row.holders.map(who).join('; ') || 'nobody (minHold)' : '', waiters: row?.waiters ?? 0 });
  while (history.points.length > 1 && (history.points[1].at < now - SPAN_MS || history.points.length > 500)) history.points.shift();
  histories.set(id, history);
  if (histories.size > 5000) histories.delete(histories.keys().next().value);
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
  for (const { at, to, who, waiters } of parts) {
    const x = Math.max(0, 1000 - ((now - at) / SPAN_MS) * 1000);
    const width = Math.max(4, 1000 - ((now - to) / SPAN_MS) * 1000 - x);
    if (who !== last) other = !other;
    last = who;
    if (who !== '') svg.append(block(x, 6, width, 28, other ? 'held' : 'held other'));
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
  for (const { at, to, who, waiters } of parts.slice(-12).reverse()) {
    const ago = to >= now ? 'for ' + duration(to - at) : duration(now - to) + ' ago, for ' + duration(to - at);
    list.append(element('li', (who === '' ? 'free' : who) + ': ' + ago + (waiters > 0 ? ', ' + waiters + ' waiting' : '')));
  }
  return list;
}
`;
