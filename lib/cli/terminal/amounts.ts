/**
 * Amounts for people: bytes, and how quick each stage was.
 *
 * @module
 */

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
