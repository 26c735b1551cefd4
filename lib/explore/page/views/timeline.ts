/**
 * How many quanta of each task ran at a time, drawn as the report draws it.
 *
 * @module
 */

import { formatIsoTime } from "../../../base/iso_time.ts";
import { formatCount, formatInstant, formatSeconds } from "../../../report/format.ts";
import { timelineTicks } from "../../../report/timeline_ticks.ts";
import type { TimelineLane, TimelineLanes } from "../model/run_timeline.ts";
import { linkTo } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { line } from "../parts.ts";
import { html, type VNode } from "../view.ts";

/** Height of a lane, and of what is above its line, pixels. */
const HEIGHT = 34;
const BASE = 28;

/** The figure; nothing if no quantum says when it ran. */
export function TimelineFigure({ run }: { run: Run }): VNode | null {
  const timeline = run.timeline;
  if (timeline === null) return null;
  const { startMicros, widthMicros, nIntervals, lanes } = timeline;
  const end = startMicros + nIntervals * widthMicros;
  const times = [startMicros, end].map((micros) => formatInstant(formatIsoTime(micros)));
  const text =
    `How many attempts ran at a time, ${times[0]} to ${times[1]}: means over intervals of ` +
    `${
      formatSeconds(widthMicros / 1e6)
    }, each task on a scale of its own. Marks below the line are ` +
    `attempts that failed.${run.nUnreadRetries > 0 ? " Some earlier attempts were not read." : ""}`;
  return html`
    <section aria-labelledby="timeline-title">
      <h3 id="timeline-title">Timeline</h3>
      <p class="soft">${text}</p>
      <div class="scroll" role="region" aria-label="Timeline" tabindex="0">
        <table class="timeline">
          <caption class="heard">Attempts of each task at a time</caption>
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col" class="grow"><span class="heard">Attempts at a time</span>
                <${Axis} timeline=${timeline} /></th>
              <th scope="col" class="number">Most at once</th>
              <th scope="col" class="number">Failed</th>
            </tr>
          </thead>
          <tbody>
            ${lanes.map((lane) => html`<${Row} lane=${lane} timeline=${timeline} />`)}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

function Row({ lane, timeline }: { lane: TimelineLane; timeline: TimelineLanes }): VNode {
  const { task, running, failed } = lane;
  const nFailed = failed.reduce((sum, n) => sum + n, 0);
  const most = Math.max(...running);
  return html`
    <tr>
      <th scope="row">${task === null
        ? "All"
        : html`<a href=${linkTo("quanta", { task })}>${line(task)}</a>`}</th>
      <td class="grow">
        <${Lane} lane=${lane} timeline=${timeline} />
      </td>
      <td class="number">${most < 10
        ? Number(most.toPrecision(2))
        : formatCount(Math.round(most))}</td>
      <td class="number ${nFailed === 0 ? "zero" : "bad"}">${formatCount(nFailed)}</td>
    </tr>
  `;
}

function ticksOf(timeline: TimelineLanes): [x: number, text: string][] {
  return timelineTicks({
    start: formatIsoTime(timeline.startMicros),
    interval: timeline.widthMicros / 1e6,
    n_intervals: timeline.nIntervals,
  });
}

function Axis({ timeline }: { timeline: TimelineLanes }): VNode {
  return html`
    <svg class="axis" height="14" aria-hidden="true">${ticksOf(timeline).map(([x, text]) =>
      html`<text x=${percent(x)} y="11" text-anchor=${
        x < 6 ? "start" : x > 94 ? "end" : "middle"
      }>${text}</text>`
    )}</svg>
  `;
}

/** Bars of one path, so that hundreds of intervals cost a few elements. */
function Lane({ lane: { running, failed }, timeline }: {
  lane: TimelineLane;
  timeline: TimelineLanes;
}): VNode {
  const n = timeline.nIntervals;
  const largest = Math.max(...running, Number.MIN_VALUE);
  const bars = running.map((value, i) =>
    value === 0 ? "" : bar(i, 1, BASE, Math.max(1, (BASE - 1) * value / largest))
  ).join("");
  const width = Math.max(1, n / 200);
  const marks = failed.map((value, i) => value === 0 ? "" : bar(i, width, BASE + 6, 5)).join("");
  return html`
    <svg class="lane" height=${HEIGHT} viewBox=${`0 0 ${n} ${HEIGHT}`} preserveAspectRatio="none"
      aria-hidden="true">
      ${ticksOf(timeline).map(([x]) =>
        html`<line class="grid" x1=${x * n / 100} x2=${x * n / 100} y1="0" y2=${HEIGHT} />`
      )}
      <line class="base" x1="0" x2=${n} y1=${BASE} y2=${BASE} />
      <path class="running" d=${bars} />
      <path class="failures" d=${marks} />
    </svg>
  `;
}

/** A rectangle that stands on a line. */
function bar(x: number, width: number, bottom: number, height: number): string {
  return `M${x},${bottom}v${-height.toFixed(1)}h${width}V${bottom}z`;
}

function percent(value: number): string {
  return `${Number(value.toFixed(3))}%`;
}
