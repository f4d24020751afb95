/** The part of the page's script that fills the table. */
export const BOARD_ROWS = /* js */ `
const shown = new Map();
const stale = new Set();
const kindOf = ({ mode, permits, holders }) => (permits > 1 ? holders.length + ' of ' + permits + ' permits' : mode);
const sinceOf = (row) => row.holders.reduce((first, { since }) => Math.min(first, since), Infinity);
const endOf = (row) => row.holders.reduce((last, { endsAt }) => Math.max(last, endsAt ?? Infinity), 0);
const SORTS = {
  key: (row) => row.key,
  kind: kindOf,
  held: (row) => -sinceOf(row),
  lease: endOf,
  waiters: (row) => row.waiters,
};
function matching() {
  const wanted = byId('search').value.toLowerCase();
  const value = SORTS[sort.by];
  const all = [...locks.values()].filter(
    (row) => wanted === '' || [row.key, row.service, ...[...row.holders, ...row.queue].map(who)].join(' ').toLowerCase().includes(wanted),
  );
  const order = sort.down ? -1 : 1;
  return all.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return x < y ? -order : x > y ? order : a.id < b.id ? -1 : 1;
  });
}
function render() {
  const focused = document.activeElement;
  const focusedId = [...shown].find(([, { line }]) => line.contains(focused))?.[0];
  const found = matching();
  const rows = found.slice(0, SHOWN);
  const keep = new Set(rows.map(({ id }) => id));
  for (const [id, { line }] of shown) {
    if (keep.has(id)) continue;
    line.remove();
    shown.delete(id);
  }
  let last = null;
  for (const row of rows) {
    const line = lineOf(row);
    const next = last === null ? byId('rows').firstElementChild : last.nextElementSibling;
    if (next !== line) byId('rows').insertBefore(line, next);
    last = line;
  }
  stale.clear();
  if (focusedId !== undefined) focusOn(focusedId, focused.className);
  const count = locks.size + (locks.size === 1 ? ' lock' : ' locks') + ', ' + [...locks.values()].reduce((sum, { waiters }) => sum + waiters, 0) + ' waiting';
  const state = cutOff ?? (trouble !== '' ? { text: trouble, bad: true } : { text: (paused ? 'Paused: ' : 'Live: ') + count, bad: false });
  tell(notice + (notice && ' ') + state.text, state.bad);
  byId('more').textContent = found.length + hidden > rows.length
    ? 'Showing ' + rows.length + ' of ' + (found.length + hidden) + '. Search or sort to see others.'
    : found.length > 0 || state.bad || cutOff ? '' : locks.size > 0 ? 'Nothing matches.' : 'Nothing is locked.';
  tick();
}
/** Keeps the focus with its lock, whose row may have moved; with the table where that is gone. */
function focusOn(id, name) {
  const target = shown.get(id)?.line.querySelector('button.' + name) ?? byId('table');
  if (document.activeElement !== target) target.focus({ preventScroll: true });
}
function lineOf(row) {
  const known = shown.get(row.id);
  if (known !== undefined && !stale.has(row.id)) return known.line;
  const line = known?.line ?? document.createElement('tr');
  const entry = { line, bars: [] };
  line.replaceChildren(...cellsOf(row, entry, known?.bars ?? []));
  shown.set(row.id, entry);
  return line;
}
function cellsOf(row, entry, knownBars) {
  const key = element('td', undefined, 'key');
  const open = element('button', row.key, 'open');
  open.type = 'button';
  open.title = 'Show the history of this lock';
  open.addEventListener('click', () => { selected = selected === row.id ? null : row.id; drawHistory(); });
  key.append(open);
  if (row.service !== 'default') key.append(element('div', row.service, 'quiet'));
  const [holders, ages, leases, queue] = ['ul', 'ul', 'ul', 'ol'].map((name) => element(name));
  for (const holder of row.holders) {
    holders.append(element('li', who(holder)));
    const age = element('li');
    const left = element('li');
    const text = element('span');
    const bar = element('div', undefined, 'bar');
    const fill = element('i');
    bar.append(fill);
    bar.ariaHidden = 'true';
    left.append(text, bar);
    ages.append(age);
    leases.append(left);
    // A bar is full at the longest lease that its own holder was seen with.
    const most = knownBars.find((known) => who(known.holder) === who(holder))?.most ?? 0;
    entry.bars.push({ holder, age, text, fill, most });
  }
  for (const waiter of row.queue) queue.append(element('li', who(waiter)));
  const cells = [key, element('td', kindOf(row)), cell('who', holders), cell('', ages), cell('', leases)];
  if (row.holders.length === 0) cells[2].textContent = 'nobody (minHold)';
  cells.push(element('td', row.waiters, row.waiters > 0 ? 'many' : 'quiet'), cell('', queue));
  if (mayRelease) {
    const button = element('button', 'Release', 'danger');
    button.type = 'button';
    button.ariaLabel = 'Release ' + plain(row.key);
    button.addEventListener('click', () => void askRelease(row));
    cells.push(cell('', button));
  }
  return cells;
}
function cell(className, child) {
  const made = element('td', undefined, className);
  if (child.childNodes.length > 0 && !(child.matches('ul, ol') && child.children.length === 0)) made.append(child);
  return made;
}
/** Once a second: what only time changes. */
function tick() {
  const now = serverNow();
  for (const { bars } of shown.values()) {
    for (const bar of bars) {
      const { holder, age, text, fill } = bar;
      const held = now - holder.since;
      // Held since before the board looked first: nobody knows for how long.
      age.textContent = holder.early ? (held < 1000 ? '?' : 'over ' + duration(held)) : duration(held);
      const left = holder.endsAt === null ? Infinity : Math.max(0, holder.endsAt - now);
      bar.most = Math.max(bar.most, left);
      text.textContent = left === Infinity ? 'for ever' : duration(left);
      const share = left === Infinity ? 1 : bar.most === 0 ? 0 : left / bar.most;
      fill.style.transform = 'scaleX(' + share.toFixed(3) + ')';
      fill.className = share < 0.3 ? 'late' : '';
    }
  }
  drawHistory();
}
`;
