/** Numbers of bytes for people. @module */

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
