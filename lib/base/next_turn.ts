/**
 * Giving way to the event loop.
 *
 * @module
 */

/**
 * Settles in a later turn of the event loop, so that signals and messages that have come meanwhile are
 * seen. Promises that are settled already don't give way: a loop over them goes on in the same turn.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
