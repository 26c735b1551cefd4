/**
 * Whether what a user names is a RUN.
 *
 * @module
 */

import { NotFoundError, UsageError } from "../../base/errors.ts";
import type { Registry } from "./registry.ts";

/** How the errors of {@linkcode requireRun} are worded. */
interface RunWords {
  /** What is to be done with the RUN. */
  verb?: "use" | "check";
  /** What to do where there is no such RUN. */
  hint?: string;
}

/**
 * Looks whether a collection is there and is a RUN.
 *
 * @param repository as the user named it
 * @throws {NotFoundError} if there is no such collection.
 * @throws {UsageError} if it is no RUN; the hint names the members of a chain.
 */
export async function requireRun(
  registry: Registry,
  run: string,
  repository: string,
  { verb = "use", hint }: RunWords = {},
): Promise<void> {
  const found = await registry.findCollection(run);
  if (found === null) {
    throw new NotFoundError(`Cannot find RUN "${run}" in repository "${repository}"`, { hint });
  }
  if (found.type === "RUN") return;
  const members = found.type === "CHAINED" ? await registry.chainChildren(run) : [];
  throw new UsageError(
    `Cannot ${verb} collection "${run}" as RUN: it is a ${found.type} collection`,
    members.length === 0 ? {} : { hint: `its members are ${members.join(", ")}` },
  );
}
