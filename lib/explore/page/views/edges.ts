/**
 * Inputs and outputs of a quantum, by the names of its connections.
 *
 * @module
 */

import { useState } from "preact/hooks";
import type { QuantumDocument } from "../../../provenance/documents/quantum.ts";
import { formatCount } from "../../../report/format.ts";
import { N_NEIGHBOURS, type Node, readNodes } from "../model/neighbours.ts";
import { line, Problem, Waiting } from "../parts.ts";
import { linkTo } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { useAnswer } from "../use_answer.ts";
import { html, type VNode } from "../view.ts";

/** Both sides. */
export function Edges({ run, view }: { run: Run; view: QuantumDocument }): VNode {
  return html`
    <div class="sides">
      <${Side} run=${run} title="Inputs" edges=${view.inputs} />
      <${Side} run=${run} title="Outputs" edges=${view.outputs} />
    </div>
  `;
}

function Side(
  { run, title, edges }: { run: Run; title: string; edges: ReadonlyMap<string, readonly string[]> },
): VNode {
  return html`
    <section>
      <h3>${title}</h3>
      ${edges.size === 0 ? html`<p class="soft">None.</p>` : null}
      ${[...edges].map(([name, ids]) => html`<${Connection} run=${run} name=${name} ids=${ids} />`)}
    </section>
  `;
}

function Connection(
  { run, name, ids }: { run: Run; name: string; ids: readonly string[] },
): VNode {
  const [n, setN] = useState(N_NEIGHBOURS);
  const answer = useAnswer(
    async () => await readNodes(await run.trace(), "dataset", ids.slice(0, n)),
    [run, ids, n],
  );
  return html`
    <h4>${line(name)} <small>${formatCount(ids.length)}</small></h4>
    ${answer.state === "waiting"
      ? html`<${Waiting} what="datasets" />`
      : answer.state === "failed"
      ? html`<${Problem} error=${answer.error} />`
      : html`<ul class="datasets">${
        answer.value.map((node) =>
          html`
            <li>
              <${DatasetLink} node=${node} />
            </li>
          `
        )
      }</ul>`}
    ${ids.length > n
      ? html`<button type="button" onClick=${() => setN(n * 4)}>Show more</button>`
      : null}
  `;
}

/** A dataset by its type and data ID. */
function DatasetLink({ node: { key, label, dataId, state } }: { node: Node }): VNode {
  return html`
    <a href=${linkTo("dataset", {}, key.id)}><b>${line(label) || "dataset"}</b> ${line(dataId)}</a>
    ${state === "not written" ? html`<span class="bad">not written</span>` : null}
  `;
}
