/**
 * All quanta, filtered as `ls` filters them.
 *
 * @module
 */

import { useMemo, useState } from "preact/hooks";
import { formatCount, formatSeconds, formatSize, SHOWN_STATUSES } from "../../../report/format.ts";
import { findRows } from "../model/filters.ts";
import { line, Problem, Status } from "../parts.ts";
import type { NumberColumn } from "../model/quantum_table.ts";
import { linkTo, linkWith, type Route } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { Progress, useRun } from "../run_parts.ts";
import { html, type VNode } from "../view.ts";
import { VirtualList } from "../virtual_list.ts";

const ROW_HEIGHT = 30;

/** Columns that can be sorted by. */
const NUMBERS: [column: NumberColumn, title: string, format: (value: number) => string][] = [
  ["attempts", "Attempts", String],
  ["run_time", "Time", formatSeconds],
  ["memory", "Memory", formatSize],
];

/** The view. */
export function Quanta({ run, route }: { run: Run; route: Route }): VNode {
  useRun(run);
  const { table, dimensions } = run;
  const { query } = route;
  const found = useMemo(
    () => findRows(table, dimensions, query),
    [table, table.n, run.state, JSON.stringify(query)],
  );
  const { rows, error } = found;
  return html`
    <section class="fill" aria-labelledby="quanta-title">
      <h2 id="quanta-title">
        Quanta <small role="status">${rows.length === table.n
          ? formatCount(table.n)
          : `${formatCount(rows.length)} of ${formatCount(table.n)}`}</small>
      </h2>
      <${Progress} run=${run} />
      <${Filters} run=${run} route=${route} />
      ${error === null ? null : html`<${Problem} error=${error} />`}
      <${VirtualList}
        n=${rows.length}
        rowHeight=${ROW_HEIGHT}
        label="Quanta"
        nColumns=${4 + NUMBERS.length}
        header=${html`<${Header} route=${route} />`}
        row=${(index: number) => html`<${Row} run=${run} row=${rows[index]} />`}
      />
    </section>
  `;
}

function Header({ route }: { route: Route }): VNode {
  const { sort = "" } = route.query;
  return html`
    <span role="columnheader" class="c-status">Status</span>
    <span role="columnheader" class="c-task">Task</span>
    <span role="columnheader" class="c-id">Data ID</span>
    ${NUMBERS.map(([column, title]) => {
      const isDown = sort === `-${column}`;
      const isUp = sort === column;
      const next = isDown ? column : isUp ? null : `-${column}`;
      return html`
        <span role="columnheader" class="c-number" aria-sort=${isDown
          ? "descending"
          : isUp
          ? "ascending"
          : "none"}>
          <a href=${linkWith(route, { sort: next })}>${title}${isDown ? " ↓" : isUp ? " ↑" : ""}</a>
        </span>
      `;
    })}
    <span role="columnheader" class="c-exception">Exception</span>
  `;
}

function Row({ run: { table }, row }: { run: Run; row: number }): VNode {
  const exception = table.exception(row);
  const message = table.message(row);
  return html`
    <span role="gridcell" class="c-status"><${Status} name=${table.status(row)} /></span>
    <span role="gridcell" class="c-task">${line(table.task(row))}</span>
    <span role="gridcell" class="c-id">
      <a href=${linkTo("quantum", {}, table.id(row))}>${line(table.dataId(row)) || "(empty)"}</a>
    </span>
    ${NUMBERS.map(([column, , format]) => {
      const value = table.number(column, row);
      return html`<span role="gridcell" class="c-number">${
        Number.isFinite(value) ? format(value) : "–"
      }</span>`;
    })}
    <span role="gridcell" class="c-exception" title=${line(message)}>
      ${exception === "" ? "" : line(exception.slice(exception.lastIndexOf(".") + 1))}
      ${message === "" ? null : html`<span class="soft"> ${line(message.slice(0, 200))}</span>`}
    </span>
  `;
}

/** Choices of task and status, and an expression. */
function Filters({ run, route }: { run: Run; route: Route }): VNode {
  const { query } = route;
  const [where, setWhere] = useState(query.where ?? "");
  const chosen = new Set((query.status ?? "").split(",").filter((name) => name !== ""));
  const go = (changes: Record<string, string | null>) => {
    location.hash = linkWith(route, changes);
  };
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    go({ status: [...next].join(",") || null });
  };
  const statuses = SHOWN_STATUSES.filter((name) =>
    run.summary.byStatus.has(name) || chosen.has(name)
  );
  return html`
    <form class="filters" role="search" onSubmit=${(event: Event) => {
      event.preventDefault();
      go({ where: where.trim() || null });
    }}>
      <label>Task
        <select value=${query.task ?? ""} onChange=${(event: Event) =>
          go({ task: (event.target as HTMLSelectElement).value || null })}>
          <option value="">all</option>
          ${run.labels.map((label) =>
            html`<option value=${label} selected=${query.task === label}>${line(label)}</option>`
          )}
        </select>
      </label>
      <fieldset>
        <legend class="heard">Status</legend>
        ${statuses.map((name) =>
          html`
            <button type="button" class="chip" aria-pressed=${chosen.has(name)} onClick=${() =>
              toggle(name)}>
              <${Status} name=${name} />
            </button>
          `
        )}
      </fieldset>
      <label class="where">Where
        <input
          type="text"
          spellcheck=${false}
          placeholder="visit = 1228 and detector in (1, 5..8) and run_time > 60"
          value=${where}
          onInput=${(event: Event) => setWhere((event.target as HTMLInputElement).value)}
        />
      </label>
      <button type="submit">Filter</button>
      ${["task", "status", "where", "exception", "failure"].some((name) => query[name])
        ? html`<a href=${linkTo("quanta")}>Clear</a>`
        : null}
      ${query.failure ? html`<span class="soft">one kind of failure</span>` : null}
      ${query.exception ? html`<span class="soft">exception ${line(query.exception)}</span>` : null}
    </form>
  `;
}
