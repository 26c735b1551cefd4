/**
 * Style of the report page. It is inside the page, which refuses any other.
 *
 * @module
 */

/**
 * Colours: those of Okabe and Ito, which people with any kind of colour vision can tell apart, darker on
 * light ground and lighter on dark, so that parts differ from the page by 3:1 and text by 4.5:1 at least.
 */
export const REPORT_STYLE = `
:root {
  color-scheme: light;
  --page: #ffffff; --panel: #f5f6f8; --line: #d9dde3; --grid: #e3e6eb;
  --text: #1c2128; --soft: #57606a; --link: #0a58a8;
  --ok: #00805c; --caveat: #1f8da3; --failed: #c2410c; --blocked: #7d8590; --aborted: #a1407f;
  --aborted-success: #b07a00; --unknown: #5b63c7; --bin: #3f6ea8; --median: #1c2128;
  --bad: #b93408; --heat1: #d4764a; --heat2: #c2410c; --heat3: #8f2d06; --heat4: #571a02;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --page: #12151a; --panel: #1b2027; --line: #323943; --grid: #2a3038;
    --text: #e6e9ee; --soft: #a3acb8; --link: #7ab8ff;
    --ok: #2fb587; --caveat: #6ccbe0; --failed: #ff7a45; --blocked: #8b95a3; --aborted: #dd86b9;
    --aborted-success: #e6ab2e; --unknown: #a2a9ff; --bin: #6f9fdc; --median: #ffffff;
    --bad: #ff8a5c; --heat1: #a84a20; --heat2: #e0602a; --heat3: #ff9a6b; --heat4: #ffdcc6;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; max-width: 76rem; padding: 0 1.25rem 3rem; background: var(--page);
  color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
  "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums;
}
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
header { padding: 1.6rem 0 .4rem; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; font-weight: 650; }
.kind { margin: 0 0 .15rem; color: var(--soft); }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .35rem; font-weight: 650; }
p { margin: .3rem 0 .7rem; max-width: 52rem; }
.soft, dt { color: var(--soft); }
nav { border-bottom: 1px solid var(--line); padding: .5rem 0; }
nav ul, .legend, .tiles { list-style: none; display: flex; flex-wrap: wrap; margin: 0; padding: 0; }
nav ul { gap: .1rem 1.1rem; }
dl.about { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .9rem 0 0; }
dl.about dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .7rem; margin: 1.2rem 0 0; }
.tiles li { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .85rem .65rem; }
.tiles .value { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 650; }
.tiles .name { display: block; color: var(--soft); font-size: .87rem; }
.tiles .more { display: block; color: var(--soft); font-size: .87rem; }
.tiles .problem .value { color: var(--bad); }
.legend { gap: .2rem 1.1rem; margin: .2rem 0 .6rem; font-size: .9rem; }
.legend li { display: flex; align-items: center; gap: .4rem; }
.key { width: .95rem; height: .8rem; border-radius: 2px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
p.soft { font-size: .92rem; }
.caveats { min-width: 8.5rem; }
th, td { text-align: left; vertical-align: top; padding: .34rem .7rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-bottom: 1px solid var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 9.2rem; }
.number { text-align: right; white-space: nowrap; }
.word { white-space: nowrap; }
.bad { color: var(--bad); font-weight: 600; }
.zero { color: var(--soft); }
tfoot th, tfoot td { font-weight: 650; border-bottom: 0; }
.figure { width: 50%; min-width: 15rem; }
.wide { width: 80%; min-width: 22rem; }
svg { display: block; width: 100%; }
svg.key { display: inline-block; flex: none; }
svg.bar { border-radius: 3px; margin: .25rem 0; }
.axis text { fill: var(--soft); font-size: 11px; }
.grid { stroke: var(--grid); }
.base { stroke: var(--line); }
.bin { fill: var(--bin); }
.median { stroke: var(--median); stroke-width: 1.5; }
.ok { fill: var(--ok); } .caveat { fill: var(--caveat); } .failed { fill: var(--failed); }
.blocked { fill: var(--blocked); } .aborted { fill: var(--aborted); } .unknown { fill: var(--unknown); }
.aborted-success { fill: var(--aborted-success); }
.heat1 { fill: var(--heat1); } .heat2 { fill: var(--heat2); } .heat3 { fill: var(--heat3); }
.heat4 { fill: var(--heat4); }
.absent { fill: var(--panel); stroke: var(--soft); stroke-width: 1; }
code, pre { font: .88em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.id, .message { display: block; overflow-wrap: anywhere; }
.id { color: var(--soft); }
.heard { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; white-space: nowrap; }
.legend-text { margin-top: .6rem; color: var(--soft); }
.legend-text li { display: list-item; }
.scroll { position: relative; }
.text { overflow-wrap: anywhere; min-width: 12rem; }
details { margin: .1rem 0; }
summary { cursor: pointer; color: var(--link); }
.filter { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline; margin: .2rem 0 .6rem; }
.filter[hidden], tr[hidden] { display: none; }
button { font: inherit; color: var(--link); background: var(--panel); border: 1px solid var(--soft); border-radius: 6px; padding: .2rem .55rem; cursor: pointer; }
#save button { margin: 0 .3rem .3rem 0; }
button.sort { all: unset; cursor: pointer; text-decoration: underline dotted; text-underline-offset: .25em; }
button.sort:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
[aria-sort=ascending] button::after { content: "\\2009\\25b2"; }
[aria-sort=descending] button::after { content: "\\2009\\25bc"; }
.pick { display: inline-block; }
.more { margin: .8rem 0; }
.more[hidden] { display: none; }
input, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--soft); border-radius: 6px; padding: .25rem .55rem; width: min(26rem, 100%); }
select { width: auto; max-width: min(26rem, 100%); }
.capped { border-left: 3px solid var(--aborted-success); padding: .1rem 0 .1rem .8rem; margin: 1.2rem 0 0; }
.capped p { margin: .2rem 0; }
footer { margin-top: 2.6rem; padding-top: .7rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; }
@media (max-width: 40rem) {
  body { padding: 0 .8rem 2rem; }
  dl.about { grid-template-columns: 1fr; }
  dl.about dd { margin-bottom: .4rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  tbody th { min-width: 6rem; }
  .text { min-width: 15rem; }
  .cards, .cards tbody, .cards tfoot, .cards tr, .cards th, .cards td { display: block; padding: 0; border: 0; text-align: left; min-width: 0; }
  .cards thead tr { display: flex; flex-wrap: wrap; gap: .3rem 1rem; padding-bottom: .4rem; border-bottom: 1px solid var(--soft); }
  .cards tbody tr, .cards tfoot tr { padding: .6rem 0; border-bottom: 1px solid var(--line); }
  .cards tr[hidden] { display: none; }
  .cards [data-label] { display: inline-block; margin-right: 1rem; }
  .cards [data-label]::before { content: attr(data-label) " "; color: var(--soft); font-weight: 400; }
}
@media print {
  @page { margin: 12mm; }
  html { font-size: 11px; }
  body { max-width: none; padding: 0; font-size: 1rem; }
  .tiles { grid-template-columns: repeat(7, 1fr); }
  .tiles li { padding: .4rem .5rem; }
  th, td { padding: .25rem .4rem; }
  tbody th { min-width: 7rem; }
  .caveats, .text { min-width: 6rem; }
  nav, .filter, .skip, .more { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; }
  h2 { break-after: avoid; }
  tr, .tiles li, pre { break-inside: avoid; }
  thead { display: table-header-group; }
  .figure { width: 25%; min-width: 7rem; }
  .wide { width: 50%; min-width: 7rem; }
  a { color: inherit; text-decoration: none; }
}
`;
