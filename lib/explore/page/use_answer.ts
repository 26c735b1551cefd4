/**
 * What a view waits for.
 *
 * @module
 */

import { useEffect, useState } from "preact/hooks";

/** An answer that is awaited, there, or an error. */
type Answer<T> =
  | { state: "waiting" }
  | { state: "there"; value: T }
  | { state: "failed"; error: unknown };

/** Asks anew whenever `keys` change; the answer to an earlier question is dropped. */
export function useAnswer<T>(ask: () => Promise<T>, keys: readonly unknown[]): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ state: "waiting" });
  useEffect(() => {
    let isWanted = true;
    setAnswer({ state: "waiting" });
    ask().then(
      (value) => isWanted && setAnswer({ state: "there", value }),
      (error) => isWanted && setAnswer({ state: "failed", error }),
    );
    return () => {
      isWanted = false;
    };
  }, [...keys]);
  return answer;
}
