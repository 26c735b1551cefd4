/**
 * The way up and down as a graph that one walks: what one stands on is in the middle, what it came from on
 * the left, what became of it on the right.
 *
 * @module
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { formatCount } from "../../../report/format.ts";
import type { TraceKey } from "../../../sources/trace/trace_source.ts";
import {
  type Neighbourhood,
  type Node,
  readNeighbourhood,
  type Side,
} from "../model/neighbours.ts";
import { line, Problem, statusClass, Waiting } from "../parts.ts";
import { linkTo } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { useAnswer } from "../use_answer.ts";
import { html, type VNode } from "../view.ts";

/** A curve between two nodes. */
interface Curve {
  d: string;
}

/** The graph around something. Links lead to the graph around others. */
export function Walk({ run, at }: { run: Run; at: TraceKey }): VNode {
  const answer = useAnswer(
    async () => await readNeighbourhood(await run.trace(), at),
    [run, at.kind, at.id],
  );
  if (answer.state === "waiting") return html`<${Waiting} what="the neighbourhood" />`;
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  return html`<${Drawing} around=${answer.value} />`;
}

function Drawing({ around }: { around: Neighbourhood }): VNode {
  const box = useRef<HTMLDivElement>(null);
  const [curves, setCurves] = useState<Curve[]>([]);
  useLayoutEffect(() => {
    const measure = () => setCurves(measureCurves(box.current!));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [around]);
  const isQuantum = around.centre.key.kind === "quantum";
  return html`
    <div class="walk" ref=${box} onKeyDown=${onKeyDown}>
      <svg aria-hidden="true">${curves.map(({ d }) => html`<path d=${d} />`)}</svg>
      <${Column} className="up" title=${isQuantum ? "Reads" : "Written by"} side=${around
        .up} none=${isQuantum ? "nothing" : "an overall input"} />
      <div class="column centre">
        <${NodeBox} node=${around.centre} isCentre=${true} />
      </div>
      <${Column} className="down" title=${isQuantum ? "Writes" : "Read by"} side=${around
        .down} none="nothing" />
    </div>
    <p class="soft">Arrow keys move between the nodes, Enter goes there.</p>
  `;
}

function Column(
  { className, title, side, none }: { className: string; title: string; side: Side; none: string },
): VNode {
  return html`
    <div class="column ${className}">
      <h3>${title} <small>${side.n === 0 ? none : formatCount(side.n)}</small></h3>
      <ul>${side.nodes.map((node) =>
        html`
          <li>
            <${NodeBox} node=${node} isCentre=${false} />
          </li>
        `
      )}</ul>
      ${side.n > side.nodes.length
        ? html`<p class="soft">and ${
          formatCount(side.n - side.nodes.length)
        } more, see Inputs and outputs</p>`
        : null}
    </div>
  `;
}

function NodeBox({ node, isCentre }: { node: Node; isCentre: boolean }): VNode {
  const { key, label, dataId, state } = node;
  const isStatus = key.kind === "quantum" && state !== "INIT" && state !== "";
  const inside = html`
    <span class="what">${line(label) || "unknown, so far"}</span>
    <span class="which">${line(dataId)}</span>
    ${state === ""
      ? null
      : html`<span class="state ${
        isStatus ? statusClass(state) : state === "not written" ? "bad" : "soft"
      }">${isStatus ? html`<i aria-hidden="true"></i>` : null}${
        state.toLowerCase().replaceAll("_", " ")
      }</span>`}
  `;
  const query = key.kind === "quantum" ? { tab: "graph" } : {};
  // An init quantum has no document of its own.
  return isCentre || state === "INIT"
    ? html`<div class="node ${key.kind} ${isCentre ? "here" : ""}" tabindex="0">${inside}</div>`
    : html`<a class="node ${key.kind}" href=${linkTo(key.kind, query, key.id)}>${inside}</a>`;
}

/** From the right edge of each node to the left edge of what it leads to. */
function measureCurves(box: HTMLElement): Curve[] {
  const origin = box.getBoundingClientRect();
  const centre = box.querySelector(".here")!.getBoundingClientRect();
  const curve = (from: [number, number], to: [number, number]) => {
    const bend = (to[0] - from[0]) / 2;
    return {
      d: `M${from[0]},${from[1]} C${from[0] + bend},${from[1]} ${to[0] - bend},${to[1]} ${to[0]},${
        to[1]
      }`,
    };
  };
  const middle = centre.top + centre.height / 2 - origin.top;
  const nodes = [...box.querySelectorAll(".column:not(.centre) .node")];
  // On narrow screens the columns stand below each other, and no curve tells anything.
  if (nodes.some((node) => node.getBoundingClientRect().left === centre.left)) return [];
  return nodes.map((node) => {
    const { left, right, top, height } = node.getBoundingClientRect();
    const y = top + height / 2 - origin.top;
    return node.closest(".up") !== null
      ? curve([right - origin.left, y], [centre.left - origin.left, middle])
      : curve([centre.right - origin.left, middle], [left - origin.left, y]);
  });
}

/** Arrows go to the node that lies that way. */
function onKeyDown(event: KeyboardEvent): void {
  const box = event.currentTarget as HTMLElement;
  const here = document.activeElement;
  const columns = [...box.querySelectorAll(".column")]
    .map((column) => [...column.querySelectorAll<HTMLElement>(".node")]);
  const column = columns.findIndex((nodes) => nodes.some((node) => node === here));
  if (column < 0) return;
  const row = columns[column].findIndex((node) => node === here);
  const moves: Record<string, () => HTMLElement | undefined> = {
    ArrowUp: () => columns[column][row - 1],
    ArrowDown: () => columns[column][row + 1],
    ArrowLeft: () => columns.slice(0, column).findLast((nodes) => nodes.length > 0)?.[0],
    ArrowRight: () => columns.slice(column + 1).find((nodes) => nodes.length > 0)?.[0],
  };
  const next = moves[event.key]?.();
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
