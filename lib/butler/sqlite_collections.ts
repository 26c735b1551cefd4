/**
 * Collections and chains in an SQLite registry.
 *
 * @module
 */

import {
  ConflictingDefinitionError,
  NotFoundError,
  RefusedError,
  RepositoryError,
} from "../base/errors.ts";
import type { Collection, CollectionType } from "./registry.ts";
import { COLLECTION_CODES, COLLECTION_TYPE_BY_CODE } from "./registry_rules.ts";
import type { SqliteConnection, SqlRow } from "./sqlite_connection.ts";

/**
 * Collections of one registry. Nothing is kept: others may change them at any time.
 *
 * Source: butler repository notes, section 3.3.
 */
export class SqliteCollections {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** The collection of that name, or null. */
  find(name: string): Collection | null {
    return this.#fromRow(
      this.#connection.first(
        "SELECT collection_id, name, type, doc FROM collection WHERE name = ?",
        name,
      ),
    );
  }

  /** The collection with that key, or null. */
  findByKey(key: number): Collection | null {
    return this.#fromRow(
      this.#connection.first(
        "SELECT collection_id, name, type, doc FROM collection WHERE collection_id = ?",
        key,
      ),
    );
  }

  /**
   * Key of a RUN that datasets are to be written to.
   *
   * @throws {RefusedError} if there is no RUN of that name.
   */
  runKey(run: string): number {
    const found = this.find(run);
    if (found?.type === "RUN") return found.key;
    const state = found === null ? "it is not registered" : `it is a ${found.type} collection`;
    throw new RefusedError(
      `Cannot use RUN "${run}" of registry "${this.#connection.path}": ${state}`,
    );
  }

  /** See `Registry.runsBelow`. */
  runsBelow(run: string): string[] {
    // The character behind the slash ends the range: texts are compared byte by byte.
    return this.#connection.all(
      "SELECT name FROM collection WHERE type = ? AND name >= ? AND name < ? ORDER BY name",
      COLLECTION_CODES.RUN,
      `${run}/`,
      `${run}0`,
    ).map(([name]) => name as string);
  }

  /**
   * Finds or makes a collection; a RUN has its row in `run` afterwards.
   *
   * @throws {ConflictingDefinitionError} if one of another type has that name.
   */
  register(name: string, type: "RUN" | "CHAINED"): { collection: Collection; created: boolean } {
    const found = this.#findAs(name, type);
    if (found !== null && this.#isComplete(found)) return { collection: found, created: false };
    return this.#connection.transaction(
      `register ${type} collection "${name}" in`,
      () => this.#ensure(name, type),
    );
  }

  /**
   * Members of chains, depth first, each collection once; other collections stand for themselves.
   *
   * @throws {NotFoundError} if a name is unknown.
   */
  flatten(names: readonly string[]): Collection[] {
    const seen = new Set<number>();
    const result: Collection[] = [];
    // A stack of its own, for chains may be nested deeply; `seen` ends cycles.
    const pending = names.map((name) => this.#get(name)).reverse();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next.key)) continue;
      seen.add(next.key);
      if (next.type === "CHAINED") pending.push(...this.#children(next.key).reverse());
      else result.push(next);
    }
    return result;
  }

  /** Direct members of a chain in order. Errors as in `Registry.chainChildren`. */
  children(name: string): Collection[] {
    const { key, type } = this.#get(name);
    if (type !== "CHAINED") {
      throw new ConflictingDefinitionError(
        `Cannot list members of "${name}": it is a ${type} collection, expected CHAINED`,
      );
    }
    return this.#children(key);
  }

  /** See `Registry.updateOutputChain`. */
  updateOutputChain(chain: string, run: string, inputs: readonly string[]): void {
    const found = this.#findAs(chain, "CHAINED");
    if (found !== null && this.#hasMember(found.key, run)) return;
    this.#connection.transaction(`update chain "${chain}" in`, () => {
      const runCollection = this.#get(run);
      const { collection, created } = this.#ensure(chain, "CHAINED");
      if (!created && this.#hasMember(collection.key, run)) return;
      const members = created
        ? this.flatten(inputs).filter(({ key }) => key !== runCollection.key)
        : [];
      this.#checkNoCycle(collection, created ? [run, ...inputs] : [run]);
      // The reference extends first and prepends then: positions 1 to n, then 0.
      members.forEach(({ key }, i) => this.#insertMember(collection.key, i + 1, key));
      const first = this.#connection.first(
        "SELECT min(position) FROM collection_chain WHERE parent = ?",
        collection.key,
      )![0] as number | null;
      this.#insertMember(collection.key, (first ?? 0) - 1, runCollection.key);
    });
  }

  #insertMember(parent: number, position: number, child: number): void {
    this.#connection.run(
      "INSERT INTO collection_chain (parent, position, child) VALUES (?, ?, ?)",
      parent,
      position,
      child,
    );
  }

  /** A chain that contains itself could never be read again. */
  #checkNoCycle(chain: Collection, names: readonly string[]): void {
    const seen = new Set<number>();
    const pending = names.map((name) => this.#get(name));
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next.key === chain.key) {
        throw new RefusedError(
          `Cannot update chain "${chain.name}": it would contain itself through ` +
            names.map((name) => `"${name}"`).join(", "),
        );
      }
      if (seen.has(next.key)) continue;
      seen.add(next.key);
      if (next.type === "CHAINED") pending.push(...this.#children(next.key));
    }
  }

  #ensure(name: string, type: "RUN" | "CHAINED"): { collection: Collection; created: boolean } {
    let collection = this.#findAs(name, type);
    const created = collection === null;
    if (collection === null) {
      this.#connection.run(
        "INSERT INTO collection (name, type) VALUES (?, ?)",
        name,
        COLLECTION_CODES[type],
      );
      collection = this.#get(name);
    }
    if (type === "RUN") {
      this.#connection.run(
        "INSERT INTO run (collection_id) VALUES (?) ON CONFLICT DO NOTHING",
        collection.key,
      );
    }
    return { collection, created };
  }

  /** The reference writes the two rows of a RUN in two transactions and may die between them. */
  #isComplete({ key, type }: Collection): boolean {
    if (type !== "RUN") return true;
    return this.#connection.first("SELECT 1 FROM run WHERE collection_id = ?", key) !== null;
  }

  #findAs(name: string, type: CollectionType): Collection | null {
    const found = this.find(name);
    if (found === null || found.type === type) return found;
    throw new ConflictingDefinitionError(
      `Cannot use ${type} collection "${name}" of registry "${this.#connection.path}": ` +
        `it is a ${found.type} collection`,
    );
  }

  #get(name: string): Collection {
    const found = this.find(name);
    if (found !== null) return found;
    throw new NotFoundError(
      `Cannot find collection "${name}" in registry "${this.#connection.path}"`,
    );
  }

  #hasMember(chainKey: number, name: string): boolean {
    return this.#connection.first(
      "SELECT 1 FROM collection_chain JOIN collection ON collection_id = child " +
        "WHERE parent = ? AND name = ?",
      chainKey,
      name,
    ) !== null;
  }

  #children(key: number): Collection[] {
    return this.#connection.all(
      "SELECT collection_id, name, type, doc FROM collection_chain " +
        "JOIN collection ON collection_id = child WHERE parent = ? ORDER BY position",
      key,
    ).map((row) => this.#fromRow(row)!);
  }

  #fromRow(row: SqlRow | null): Collection | null {
    if (row === null) return null;
    const [key, name, code, doc] = row;
    const type = COLLECTION_TYPE_BY_CODE.get(code as number);
    if (type === undefined) {
      throw new RepositoryError(
        `Cannot use collection "${name}" of registry "${this.#connection.path}": its type is ${code}`,
      );
    }
    return { key: key as number, name: name as string, type, doc: doc as string | null };
  }
}
