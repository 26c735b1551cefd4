/**
 * Where the chunk log of an output is.
 *
 * @module
 */

const END = ".chunks";

/** Path of the chunk log of an output. */
export function chunkLogPathOf(outputPath: string): string {
  return `${outputPath}${END}`;
}

/** Path of the output that a chunk log would belong to, by its name. */
export function graphPathOf(chunkLogPath: string): string {
  return chunkLogPath.endsWith(END) ? chunkLogPath.slice(0, -END.length) : chunkLogPath;
}
