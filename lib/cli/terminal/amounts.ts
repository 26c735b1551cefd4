/**
 * Amounts for people: bytes, and how quick each stage was.
 *
 * @module
 */

/** The smallest unit that keeps a figure readable: `5.2 MB`. */
export function formatBytes(nBytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = nBytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${nBytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** Where the time of a command went, for a log line: stages one after the other, then work in workers. */
export function formatStages(
  { stageSeconds, workSeconds }: {
    stageSeconds: Record<string, number>;
    workSeconds: Record<string, number>;
  },
): string {
  const list = (seconds: Record<string, number>) =>
    Object.entries(seconds).map(([name, value]) => `${name} ${value.toFixed(3)}`).join(", ");
  return `Stages in seconds: ${list(stageSeconds)}; work of workers: ${list(workSeconds)}.`;
}
