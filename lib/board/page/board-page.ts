/** What the page is told when it is made. */
export interface BoardPageFacts {
  /** Before the names of what it loads. */
  readonly base: string;
  readonly isOpen: boolean;
  readonly mayRelease: boolean;
}

/** The page: a frame that the script fills. */
export function boardPage({ base, isOpen, mayRelease }: BoardPageFacts): string {
  return /* html */ `<!doctype html>
<html lang="en" data-base="${escaped(base)}" data-release="${mayRelease}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Locks</title>
<link rel="stylesheet" href="${escaped(base)}board.css">
<script type="module" src="${escaped(base)}board.js"></script>
</head>
<body>
<header>
<h1>Locks</h1>
<p id="status" role="status">Connecting …</p>
</header>
<main>
${isOpen ? '<p class="notice">This board is open to everybody (guards: none). Release is off.</p>' : ''}
<form id="controls" role="search">
<label for="search">Search</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="key, label, host or pid">
<button id="pause" type="button" aria-pressed="false">Pause</button>
</form>
<div id="table" class="scroll" role="region" aria-labelledby="caption" tabindex="0">
${table(mayRelease)}
</div>
<p id="more"></p>
<section id="history" hidden aria-labelledby="history-title">
<h2 id="history-title">History</h2>
<div id="timeline"></div>
<p class="legend quiet"><span>5 minutes ago</span><span>above: each holder, dashed: not seen; below: how many waited</span><span>now</span></p>
<div id="moments"></div>
</section>
</main>
${DIALOG}
</body>
</html>
`;
}

function table(mayRelease: boolean): string {
  return /* html */ `<table>
<caption id="caption">Locks that are held or waited for</caption>
<thead><tr>
<th scope="col" data-sort="key"><button type="button">Key</button></th>
<th scope="col" data-sort="kind"><button type="button">Kind</button></th>
<th scope="col">Held by</th>
<th scope="col" data-sort="held" aria-sort="descending"><button type="button">Held for</button></th>
<th scope="col" data-sort="lease"><button type="button">Lease left</button></th>
<th scope="col" data-sort="waiters"><button type="button">Waiting</button></th>
<th scope="col">Waiters in order</th>
${mayRelease ? '<th scope="col">Release</th>' : ''}
</tr></thead>
<tbody id="rows"></tbody>
</table>`;
}

const DIALOG = /* html */ `<dialog id="confirm" aria-labelledby="confirm-title" aria-describedby="confirm-text">
<h2 id="confirm-title">Release this lock?</h2>
<p id="confirm-text"></p>
<form method="dialog">
<button value="cancel" autofocus>Keep it</button>
<button value="release" class="danger">Release</button>
</form>
</dialog>`;

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
