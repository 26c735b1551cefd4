/**
 * How users name datastores that keep nothing.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import type { Log } from "../../base/log.ts";

/** Names classes of datastores, parted by commas or spaces, that are to be left out of chains. */
const IGNORED_DATASTORES_VARIABLE = "PROVGRAPH_IGNORE_DATASTORE";

/** Classes that are to be left out. */
export function ignoredDatastores(env: Environment): string[] {
  return (env.get(IGNORED_DATASTORES_VARIABLE) ?? "").split(/[\s,]+/).filter((name) => name !== "");
}

/** An environment to which a command line adds classes that are to be left out. */
export class IgnoringEnvironment implements Environment {
  readonly #env: Environment;
  #classes: readonly string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Leaves out these classes, too. */
  ignore(classes: readonly string[]): void {
    this.#classes = classes;
  }

  get(name: string): string | undefined {
    if (name !== IGNORED_DATASTORES_VARIABLE || this.#classes.length === 0) {
      return this.#env.get(name);
    }
    return [...ignoredDatastores(this.#env), ...this.#classes].join(",");
  }
}

/** Says which datastores of a repository nothing is asked of. */
export function tellLeftOut({ leftOut }: { readonly leftOut: readonly string[] }, log: Log): void {
  if (leftOut.length === 0) return;
  log.log("INFO", `Leaving out datastores that keep nothing: ${leftOut.join(", ")}.`);
}
