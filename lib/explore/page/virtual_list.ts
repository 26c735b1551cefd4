/**
 * Rows of equal height, of which only those in sight exist.
 *
 * @module
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html, type VNode } from "./view.ts";

/** Rows beyond the edges of what is in sight. */
const MARGIN = 12;
/** Browsers can't have elements higher than some 16 million pixels. */
const MAX_HEIGHT = 8_000_000;

/** A table body's worth of rows. */
interface VirtualListProps {
  n: number;
  rowHeight: number;
  /** Makes a row; its `aria-rowindex` is set by whoever makes it. */
  row: (index: number) => VNode;
  header: VNode;
  label: string;
  nColumns: number;
}

/** A grid with keys: arrows, pages, home and end move through it, Enter follows the row's link. */
export function VirtualList(
  { n, rowHeight, row, header, label, nColumns }: VirtualListProps,
): VNode {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [current, setCurrent] = useState(0);
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setHeight(element.clientHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const whole = n * rowHeight;
  const shownHeight = Math.min(whole, MAX_HEIGHT);
  // Of very long lists a pixel of the scroll bar is more than a pixel of the list.
  const scale = shownHeight > height ? (whole - height) / (shownHeight - height) : 1;
  const listTop = Math.min(Math.max(0, whole - height), top * scale);
  const first = Math.max(0, Math.floor(listTop / rowHeight) - MARGIN);
  const last = Math.min(n, Math.ceil((listTop + height) / rowHeight) + MARGIN);
  const indices = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);

  const goTo = (index: number) => {
    const to = Math.max(0, Math.min(n - 1, index));
    setCurrent(to);
    const at = to * rowHeight;
    const seen = height - 2 * rowHeight;
    if (at < listTop) box.current!.scrollTop = at / scale;
    else if (at > listTop + seen) box.current!.scrollTop = (at - seen) / scale;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 2);
    const steps: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: n - 1,
    };
    if (event.key in steps) {
      event.preventDefault();
      goTo(steps[event.key]);
    } else if (event.key === "Enter" && event.target === box.current) {
      box.current!.querySelector<HTMLAnchorElement>(`[data-index="${current}"] a`)?.click();
    }
  };
  return html`
    <div
      class="list"
      role="grid"
      aria-label=${label}
      aria-rowcount=${n + 1}
      aria-colcount=${nColumns}
      aria-activedescendant=${n > 0 ? `row-${current}` : undefined}
      tabindex="0"
      ref=${box}
      onScroll=${() => setTop(box.current!.scrollTop)}
      onKeyDown=${onKeyDown}
    >
      <div class="list-head" role="row" aria-rowindex="1">${header}</div>
      <div class="list-body" role="rowgroup" style=${{ height: `${shownHeight}px` }}>
        <div style=${{ transform: `translateY(${top - listTop + first * rowHeight}px)` }}>
          ${indices.map((index) =>
            html`
              <div
                class="list-row ${index === current ? "current" : ""}"
                role="row"
                id=${`row-${index}`}
                key=${index}
                data-index=${index}
                aria-rowindex=${index + 2}
                style=${{ height: `${rowHeight}px` }}
              >${row(index)}</div>
            `
          )}
        </div>
      </div>
    </div>
  `;
}
