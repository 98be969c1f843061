"""How a report looks as a page: one style sheet, every rule of which holds only inside ``.cramprisk``.

Pairs of text and ground keep a contrast of 4.5 to 1 or more in both schemes. Tables become blocks on a narrow screen; their
cells then say the name of their column. Printing uses the light scheme, opens what is folded, and cuts no row.
"""

from __future__ import annotations

__all__ = ["PAGE_STYLE", "STYLE"]

PAGE_STYLE = """\
html { color-scheme: light dark; }
body { margin: 0; background: #fff; }
@media screen and (prefers-color-scheme: dark) { body { background: #15181c; } }
"""

STYLE = """\
.cramprisk {
  --ground: #fff; --panel: #f5f6f8; --text: #1b1f24; --soft: #525a63; --line: #cdd2d8; --link: #0b4fa8;
  --warn-ground: #fff3d1; --warn-line: #a86a00; --warn-text: #4f3500;
  --strong: #8e1b1b; --medium: #94430a; --weak: #5b6169; --relief: #0b5a4a; --on-chip: #fff;
  box-sizing: border-box; max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 1.5rem;
  background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif;
  text-align: left; overflow-wrap: anywhere;
}
@media screen and (prefers-color-scheme: dark) {
  .cramprisk {
    --ground: #15181c; --panel: #1f242a; --text: #e7eaee; --soft: #b3bbc4; --line: #454d57; --link: #9cc3ff;
    --warn-ground: #3a2d0a; --warn-line: #e0b04a; --warn-text: #ffe7ae;
    --strong: #ffb4ab; --medium: #ffc48a; --weak: #c3c9d1; --relief: #84dcc6; --on-chip: #15181c;
  }
}
.cramprisk *, .cramprisk *::before { box-sizing: border-box; }
.cramprisk a { color: var(--link); text-decoration: underline; }
.cramprisk a:focus-visible, .cramprisk summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.cramprisk .title { font-size: 1.5em; line-height: 1.25; margin: 0 0 .4rem; }
.cramprisk .section { font-size: 1.2em; line-height: 1.3; margin: 2rem 0 .5rem; padding: 0; }
.cramprisk .name { font-size: 1.05em; line-height: 1.4; margin: 0 0 .35rem; }
.cramprisk p { margin: .35rem 0; }
.cramprisk .lead { font-size: 1.1em; }
.cramprisk .soft { color: var(--soft); }
.cramprisk .glance { margin: .8rem 0 0; border: 1px solid var(--line); border-radius: 6px; }
.cramprisk .glance > div { display: grid; grid-template-columns: 12rem 1fr; gap: .25rem 1rem; padding: .55rem .8rem; }
.cramprisk .glance > div + div { border-top: 1px solid var(--line); }
.cramprisk .glance .open { background: var(--warn-ground); color: var(--warn-text); border-left: 5px solid var(--warn-line); }
.cramprisk .glance .open a { color: inherit; }
.cramprisk dl { margin: 0; }
.cramprisk dt { font-weight: 600; }
.cramprisk dd { margin: 0; }
.cramprisk .chips, .cramprisk .plain { list-style: none; margin: 0; padding: 0; }
.cramprisk .chips { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
.cramprisk .grade {
  display: inline-block; padding: 0 .5em; border-radius: 4px; background: var(--weak); color: var(--on-chip);
  font-size: .8125em; font-weight: 700; line-height: 1.55; white-space: nowrap; text-decoration: none; vertical-align: .08em;
}
.cramprisk .grade-a { background: var(--strong); }
.cramprisk .grade-b { background: var(--medium); }
.cramprisk .grade-ta, .cramprisk .grade-tb, .cramprisk .grade-tc { background: var(--relief); }
.cramprisk .grade-avoid { background: var(--strong); }
.cramprisk .mark {
  display: inline-block; padding: 0 .45em; border: 1px solid currentColor; border-radius: 4px; font-size: .8125em;
  font-weight: 600; line-height: 1.45; white-space: nowrap; vertical-align: .08em;
}
.cramprisk .flag { border: 1px solid var(--line); border-radius: 6px; padding: .75rem .9rem; margin: .75rem 0; }
.cramprisk .flag dl > div { display: grid; grid-template-columns: 9.5rem 1fr; gap: 0 1rem; padding: .25rem 0; }
.cramprisk .flag dd > ul, .cramprisk .flag dd > p { margin: 0; }
.cramprisk .flag dd > ul:not(.plain) { padding-left: 1.1rem; }
.cramprisk .figure { font-weight: 600; }
.cramprisk .caution {
  background: var(--warn-ground); color: var(--warn-text); border-left: 5px solid var(--warn-line); padding: .3rem .6rem;
}
.cramprisk .caution a { color: inherit; }
.cramprisk details { margin: .5rem 0 0; }
.cramprisk summary { cursor: pointer; color: var(--link); font-weight: 600; padding: .15rem 0; }
.cramprisk table {
  width: 100%; table-layout: fixed; border-collapse: collapse; margin: .5rem 0; font-size: .94em; background: transparent;
}
.cramprisk caption { text-align: left; color: var(--soft); padding: 0 0 .3rem; }
.cramprisk th, .cramprisk td {
  text-align: left; vertical-align: top; padding: .4rem .6rem .4rem 0; border: 0; border-bottom: 1px solid var(--line);
  background: transparent; color: inherit; max-width: none; white-space: normal;
}
.cramprisk .findings th:nth-child(2) { width: 12%; }
.cramprisk .findings th:nth-child(3), .cramprisk .findings th:nth-child(4) { width: 30%; }
.cramprisk .reasons th:nth-child(2) { width: 16%; }
.cramprisk .reasons th:nth-child(3) { width: 46%; }
.cramprisk .readings th:nth-child(2) { width: 18%; }
.cramprisk .readings th:nth-child(3) { width: 48%; }
.cramprisk .pairs th:first-child { width: 34%; }
.cramprisk thead th { color: var(--soft); font-weight: 600; overflow-wrap: normal; }
.cramprisk tbody th { font-weight: 400; }
.cramprisk .warned { background: var(--warn-ground); color: var(--warn-text); border-left: 5px solid var(--warn-line);
  padding: .3rem .8rem; }
.cramprisk .warned caption, .cramprisk .warned thead th { color: inherit; }
.cramprisk .warned th, .cramprisk .warned td { border-color: var(--warn-line); }
.cramprisk .plots { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
.cramprisk .plots figure { margin: 0; flex: 1 1 20rem; max-width: 28rem; }
.cramprisk .plots figcaption { color: var(--soft); font-size: .94em; }
.cramprisk .plot { display: block; width: 100%; height: auto; color: var(--text); }
.cramprisk .foot { margin-top: 2rem; padding-top: .8rem; border-top: 1px solid var(--line); font-size: .94em; }
@media screen and (max-width: 40rem) {
  .cramprisk { padding: .75rem .8rem 1.25rem; }
  .cramprisk .glance > div, .cramprisk .flag dl > div { grid-template-columns: 1fr; }
  .cramprisk thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cramprisk table, .cramprisk caption, .cramprisk tbody, .cramprisk tbody tr, .cramprisk tbody th, .cramprisk tbody td {
    display: block; width: auto;
  }
  .cramprisk tbody tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  .cramprisk tbody th, .cramprisk tbody td { border: 0; padding: .1rem 0; }
  .cramprisk tbody td[data-label]::before { content: attr(data-label) ": "; font-weight: 600; }
}
@media print {
  .cramprisk { max-width: none; padding: 0; font-size: 9.5pt; line-height: 1.35; }
  .cramprisk details::details-content { content-visibility: visible; block-size: auto; }
  .cramprisk summary { list-style: none; color: inherit; }
  .cramprisk tr, .cramprisk .glance > div, .cramprisk .flag dl > div, .cramprisk figure, .cramprisk li, .cramprisk .name,
  .cramprisk .foot { break-inside: avoid; }
  .cramprisk thead { display: table-header-group; break-after: avoid; }
  .cramprisk tbody tr:first-child { break-before: avoid; }
  .cramprisk .findings { break-inside: avoid; }
  .cramprisk .title, .cramprisk .section, .cramprisk .name, .cramprisk caption, .cramprisk summary { break-after: avoid; }
  .cramprisk .grade, .cramprisk .caution, .cramprisk .warned, .cramprisk .open {
    -webkit-print-color-adjust: exact; print-color-adjust: exact;
  }
}
"""
