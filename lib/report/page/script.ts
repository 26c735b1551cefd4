/**
 * Script of the report page: it is inside the page, which refuses any other. The page works without it, but
 * for searching, sorting, and failed quanta beyond the first.
 *
 * @module
 */

import { ROWS_AT_A_TIME } from "./failed.ts";

/**
 * Sorts tables by their headings; searches, sorts and shows the failed quanta out of the lines that the page
 * carries (`failed_rows.ts` writes them); saves their data IDs; opens what is folded for printing. All that
 * it shows is text, never markup.
 */
export const REPORT_SCRIPT = String.raw`
"use strict";
(() => {
  const AT_A_TIME = ${ROWS_AT_A_TIME};
  const byId = (id) => document.getElementById(id);
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className !== "") element.className = className;
    element.append(...children);
    return element;
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const counted = (n) => n.toLocaleString("en-US");
  const threeFigures = (x) =>
    x >= 999.5 ? counted(Math.round(x)) : x.toFixed(x < 9.995 ? 2 : x < 99.95 ? 1 : 0);
  const seconds = (x) =>
    x === 0 ? "0 s"
    : Math.abs(x) < 0.9995 ? threeFigures(x * 1000) + " ms"
    : x < 120 ? threeFigures(x) + " s"
    : x < 7200 ? threeFigures(x / 60) + " min"
    : threeFigures(x / 3600) + " h";

  // Headings become buttons; the first press of one of numbers puts the largest first.
  const sortable = (table, sort) => {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      if (heading.matches(".figure, .wide") || heading.textContent === "") return;
      const button = make("button", "sort", ...heading.childNodes);
      button.type = "button";
      heading.append(button);
      button.addEventListener("click", () => {
        const isNumber = heading.classList.contains("number");
        const was = heading.getAttribute("aria-sort");
        const order = was === null ? (isNumber ? "descending" : "ascending")
          : was === "ascending" ? "descending" : "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", order);
        sort(column, order === "ascending" ? 1 : -1, isNumber);
      });
    });
  };
  const valueOf = (cell, isNumber) => {
    if (!isNumber) return cell.textContent;
    const value = parseFloat(cell.dataset.v ?? cell.textContent.replaceAll(",", ""));
    return Number.isNaN(value) ? -Infinity : value;
  };
  // Numbers may be equal and infinite: no difference is taken.
  const compare = (a, b, isNumber) => isNumber ? (a < b ? -1 : a > b ? 1 : 0) : collator.compare(a, b);
  // On a small screen, a row of these is a card: each number has its name beside it.
  const asCards = (table) => {
    table.classList.add("cards");
    const names = [...table.tHead.rows[0].cells].map((heading) => heading.textContent);
    return (row) => [...row.cells].forEach((cell, i) => {
      if (cell.matches(".number, .word")) cell.dataset.label = names[i];
    });
  };
  const causes = byId("causes-table");
  if (causes !== null) [...causes.tBodies[0].rows, ...causes.tFoot.rows].forEach(asCards(causes));
  for (const table of document.querySelectorAll("table")) {
    if (table.id === "failed-table") continue;
    sortable(table, (column, sign, isNumber) => {
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row) => [valueOf(row.cells[column], isNumber), row]);
      rows.sort(([a], [b]) => sign * compare(a, b, isNumber));
      body.append(...rows.map(([, row]) => row));
    });
  }

  const failedTable = byId("failed-table");
  if (failedTable !== null) listFailed(failedTable);

  function listFailed(table) {
    const lines = (id) => {
      const text = byId(id).textContent;
      return text === "" ? [] : text.split("\n").map((line) => line.split("\t"));
    };
    const tasks = lines("failed-tasks").map(([name, ...columns]) => ({
      name,
      columns: columns.map((column) => {
        const at = column.lastIndexOf(":");
        return { name: column.slice(0, at), type: column.slice(at + 1) };
      }),
    }));
    const exceptions = lines("failed-exceptions").map(([name]) => name);
    const all = lines("failed-data").map((cells) => {
      const [task, status, exception, cluster, attempts, blocks, time, id, message, ...values] = cells;
      const row = {
        task: tasks[task], status, exception: exceptions[exception], cluster, id, message, values,
        attempts: Number(attempts), blocks: Number(blocks), time: time === "" ? -Infinity : Number(time),
      };
      row.dataId = row.task.columns.map(({ name }, i) => name + "=" + values[i]).join(" ") || "(empty)";
      row.text = [row.task.name, row.dataId, id, status, row.exception, message].join(" ").toLowerCase();
      return row;
    });
    const KEYS = ["task", "dataId", "status", "attempts", "blocks", "time", "exception"];
    const keyOf = (row, key) => key === "task" ? row.task.name : row[key];
    const box = byId("filter");
    const cause = byId("cause");
    const more = byId("failed-more");
    let fitting = all;
    let nShown = 0;
    const label = asCards(table);

    const words = (label) => label.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[_:.-])/)
      .flatMap((word, i) => i === 0 ? [word] : [document.createElement("wbr"), word]);
    const number = (text, isZero) => make("td", "number" + (isZero ? " zero" : ""), text);
    const rowOf = (row) => {
      const heading = make("th", "", ...words(row.task.name));
      heading.scope = "row";
      const exception = make("td", "text", make("code", "", row.exception));
      if (row.message !== "") exception.append(make("span", "message", row.message));
      const made = make("tr", "", heading, make("td", "text", row.dataId + " ", make("code", "id", row.id)),
        make("td", "word", row.status), number(String(row.attempts)),
        number(counted(row.blocks), row.blocks === 0),
        number(row.time === -Infinity ? "–" : seconds(row.time)), exception);
      label(made);
      return made;
    };
    const showMore = () => {
      const part = fitting.slice(nShown, nShown + AT_A_TIME);
      table.tBodies[0].append(...part.map(rowOf));
      nShown += part.length;
      const nLeft = fitting.length - nShown;
      more.parentElement.hidden = nLeft === 0;
      more.textContent = "Show " + counted(Math.min(nLeft, AT_A_TIME)) + " more of " + counted(nLeft);
      byId("filter-count").textContent = fitting.length === all.length && nLeft === 0 ? ""
        : counted(fitting.length) + " of " + counted(all.length) +
          (nLeft === 0 ? " shown" : " fit, the first " + counted(nShown) + " are shown");
    };
    const show = () => {
      table.tBodies[0].replaceChildren();
      nShown = 0;
      showMore();
      offerTables();
    };
    const apply = () => {
      const wanted = box.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
      fitting = all.filter((row) => (cause.value === "" || row.cluster === cause.value) &&
        wanted.every((word) => row.text.includes(word)));
      show();
    };

    // Tables of data IDs as the builder of quantum graphs reads them: ECSV, one for each task.
    const cell = (text) => text === "" || /[\s"]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
    const tableOf = (task) => "# %ECSV 1.0\n# ---\n# datatype:\n" +
      task.columns.map(({ name, type }) => "# - {name: " + name + ", datatype: " + type + "}\n").join("") +
      "# schema: astropy-2.0\n" + task.columns.map(({ name }) => name).join(" ") + "\n" +
      fitting.filter((row) => row.task === task)
        .map(({ values }) => values.map(cell).join(" ") + "\n").join("");
    const save = (task) => {
      const link = make("a", "");
      link.href = URL.createObjectURL(new Blob([tableOf(task)], { type: "text/plain" }));
      link.download = task.name.replace(/[^\w.-]/g, "_") + ".ecsv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    };
    const offerTables = () => {
      const found = new Set(fitting.map(({ task }) => task));
      const buttons = tasks.filter((task) => found.has(task) && task.columns.length > 0).map((task) => {
        const button = make("button", "", task.name + ".ecsv");
        button.type = "button";
        button.addEventListener("click", () => save(task));
        return button;
      });
      byId("save").replaceChildren(...(buttons.length === 0 ? [] : ["Save data IDs: "]), ...buttons);
    };

    sortable(table, (column, sign, isNumber) => {
      const key = KEYS[column];
      all.sort((a, b) => sign * compare(keyOf(a, key), keyOf(b, key), isNumber));
      apply();
    });
    for (const link of document.querySelectorAll("a.pick")) {
      link.addEventListener("click", () => {
        box.value = "";
        cause.value = link.dataset.cluster;
        apply();
      });
    }
    box.addEventListener("input", apply);
    cause.addEventListener("change", apply);
    more.addEventListener("click", () => {
      const next = nShown;
      showMore();
      // Where reading goes on, for those who hear the page.
      const row = table.tBodies[0].rows[next];
      row.tabIndex = -1;
      row.focus();
    });
    box.closest(".filter").hidden = false;
    apply();
  }

  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();
`;
