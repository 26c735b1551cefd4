/**
 * Work on many things with so many under way at once.
 *
 * @module
 */

/**
 * Does something with each item. All are tried; then the first failure is thrown.
 *
 * @param nAtOnce How many are under way at once.
 */
export async function eachAtOnce<T>(
  items: Iterable<T>,
  nAtOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { error: unknown } | null = null;
  const worker = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: nAtOnce }, worker));
  if (failure !== null) throw (failure as { error: unknown }).error;
}
