// The sale: one rush at a time, each answer as it comes.
const form = document.querySelector('#sale');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { stock, buyers } = Object.fromEntries(new FormData(form));
  watchRush({ stock: Number(stock), buyers: Number(buyers), locked: event.submitter.value });
});

function watchRush({ stock, buyers, locked }) {
  const panel = document.querySelector(`[data-result="${locked}"]`);
  const verdict = panel.querySelector('.verdict');
  const tiles = Array.from({ length: buyers }, (_, i) => tile(i));
  panel.querySelector('.buyers').replaceChildren(...tiles);
  setRunning(true);
  let sold = 0;
  verdict.textContent = `${buyers} buyers wait for ${stock} items …`;
  const query = new URLSearchParams({ stock, buyers, locked }).toString();
  const source = new EventSource(`rush?${query}`);
  source.addEventListener('answer', ({ data }) => {
    const answer = JSON.parse(data);
    if (answer.outcome === 'bought') sold += 1;
    show(tiles[answer.buyer], answer, answer.number > stock);
    verdict.textContent = `${sold} of ${stock} sold …`;
  });
  source.addEventListener('result', ({ data }) => {
    source.close();
    setRunning(false);
    verdict.replaceChildren(...summary(JSON.parse(data)));
  });
  source.addEventListener('error', () => {
    source.close();
    setRunning(false);
    verdict.textContent = 'The shop gave no answer. Does it still run?';
  });
}

function tile(buyer) {
  const item = document.createElement('li');
  item.className = 'buyer waiting';
  item.title = `buyer ${buyer + 1} waits`;
  return item;
}

function show(item, { buyer, outcome, number, pid, waitedMs, reason }, isOversold) {
  const kinds = {
    bought: isOversold ? 'oversold' : 'bought',
    'sold out': 'empty',
    failed: 'failed',
  };
  item.className = `buyer ${kinds[outcome]}`;
  item.textContent = pid === undefined ? '' : processNumber(pid);
  const got = outcome === 'bought' ? `got item ${number}` : (reason ?? outcome);
  item.title = `buyer ${buyer + 1}: ${got}, after ${Math.round(waitedMs)} ms`;
}

const processes = new Map();

/** 1 for the first process that was seen, and so on. */
function processNumber(pid) {
  if (!processes.has(pid)) processes.set(pid, processes.size + 1);
  return String(processes.get(pid));
}

function summary({ stock, orders, tookMs, p99Ms, failures }) {
  const over = orders - stock;
  const strong = document.createElement('strong');
  strong.className = over > 0 ? 'oversold-text' : 'exact-text';
  strong.textContent = over > 0 ? `Oversold by ${over}` : `${orders} of ${stock} sold`;
  const failed = failures.length > 0 ? ` Without an answer: ${failures.join(', ')}.` : '';
  const rest = `: ${orders} orders for ${stock} items in ${Math.round(tookMs)} ms; 99 % of the buyers waited at most ${Math.round(p99Ms)} ms.${failed}`;
  return [strong, rest];
}

function setRunning(isRunning) {
  for (const button of form.querySelectorAll('button')) button.disabled = isRunning;
}

// The other demonstrations: each a button, or a line of the log that comes by itself.
const demos = document.querySelector('#demos');
const log = document.querySelector('#log');

for (const { path, method, label } of await (await fetch('demos')).json()) {
  const button = document.createElement('button');
  button.textContent = label;
  button.addEventListener('click', async () => {
    const response = await fetch(path, { method });
    if (!response.ok) note(`${label}: ${response.status} ${(await response.json()).message}`);
    else await response.text();
  });
  demos.append(button);
}

const activity = new EventSource('demos/activity');
activity.addEventListener('message', ({ data }) => {
  const { text, pid } = JSON.parse(data);
  note(`process ${processNumber(pid)}: ${text}`);
});

function note(text) {
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString('en-GB');
  const line = document.createElement('li');
  line.append(time, text);
  log.prepend(line);
  while (log.children.length > 200) log.lastChild.remove();
}
