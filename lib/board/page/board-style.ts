/** Light and dark by the viewer's own setting. */
export const BOARD_STYLE = /* css */ `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --panel: #f4f5f7; --text: #1b1f24; --quiet: #565d66; --line: #d5d9df;
  --bar: #1a7f4b; --late: #b3261e; --accent: #0b57d0; --wait: #9a5b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --panel: #1e2329; --text: #e8eaed; --quiet: #a9b0b8; --line: #373d45;
    --bar: #4cc38a; --late: #ff8a80; --accent: #8ab4f8; --wait: #f2b866;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
header, main { padding: 0.75rem 1.25rem; max-width: 90rem; margin: 0 auto; }
header { display: flex; flex-wrap: wrap; gap: 0 1.25rem; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
#status, #more { color: var(--quiet); margin: 0.25rem 0; }
#status.bad { color: var(--late); font-weight: 600; }
.notice { background: var(--panel); border-left: 4px solid var(--wait); padding: 0.5rem 0.75rem; margin: 0 0 0.75rem; }
#controls { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin-bottom: 0.75rem; }
input, button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--quiet); border-radius: 6px; padding: 0.35rem 0.7rem; }
input { flex: 1 1 14rem; max-width: 28rem; min-width: 0; }
button { cursor: pointer; }
button[aria-pressed='true'] { background: var(--accent); color: var(--ground); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px; }
.danger { border-color: var(--late); color: var(--late); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: 0.5rem 0.75rem; color: var(--quiet); }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 0.75rem; border-top: 1px solid var(--line); }
th { background: var(--panel); white-space: nowrap; }
th button { border: 0; padding: 0; background: none; font-weight: 600; }
th[aria-sort='ascending'] button::after { content: ' ▲'; }
th[aria-sort='descending'] button::after { content: ' ▼'; }
td { font-variant-numeric: tabular-nums; }
td.key { min-width: 16rem; max-width: 26rem; overflow-wrap: anywhere; }
td.key button { border: 0; padding: 0; background: none; text-align: left; color: var(--accent); font-family: ui-monospace, monospace; overflow-wrap: anywhere;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; overflow: hidden; }
td.who { min-width: 12rem; max-width: 18rem; overflow-wrap: anywhere; }
td ol, td ul { margin: 0; padding: 0; list-style: none; }
td ul li { min-height: 1.9rem; }
td ol { list-style: decimal; padding-left: 1.3rem; }
.quiet { color: var(--quiet); }
.many { color: var(--wait); font-weight: 600; }
.bar { height: 6px; width: 7rem; background: var(--line); border-radius: 3px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--bar); transform-origin: left; }
.bar i.late { background: var(--late); }
#history { background: var(--panel); border-radius: 8px; padding: 0.75rem 1rem; margin-top: 1rem; }
#timeline svg { width: 100%; height: 74px; display: block; background: var(--ground); border-radius: 4px; }
#timeline .held { fill: var(--bar); }
#timeline .held.other { fill: var(--accent); }
#timeline .not-seen { fill: none; stroke: var(--quiet); stroke-dasharray: 4; vector-effect: non-scaling-stroke; }
#timeline .waiting { fill: var(--wait); }
.legend { display: flex; justify-content: space-between; gap: 1rem; margin: 0.25rem 0 0; text-align: center; }
.legend span:not(:nth-child(2)) { white-space: nowrap; }
#moments ul { columns: 18rem; padding-left: 1.2rem; margin: 0.5rem 0 0; }
dialog { border: 1px solid var(--quiet); border-radius: 10px; background: var(--ground); color: var(--text); max-width: min(34rem, 92vw); }
dialog form { display: flex; gap: 0.5rem; justify-content: flex-end; }
dialog p { white-space: pre-line; overflow-wrap: anywhere; }
dialog::backdrop { background: rgb(0 0 0 / 50%); }
@media (max-width: 40rem) {
  header, main { padding: 0.5rem 0.75rem; }
  th:nth-child(2), td:nth-child(2), th:nth-child(7), td:nth-child(7) { display: none; }
  input { flex-basis: 8rem; }
  table, .legend { font-size: 0.87rem; }
  th, td { padding: 0.4rem 0.5rem; }
  td.key, td.who { min-width: 8rem; }
  .bar { width: 4rem; }
}
`;
