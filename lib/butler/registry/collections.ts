/**
 * Collections and chains in a registry.
 *
 * @module
 */

import {
  ConflictingDefinitionError,
  NotFoundError,
  RefusedError,
  RepositoryError,
} from "../../base/errors.ts";
import type { CollectionKey, CollectionKeys } from "./tables/collection_keys.ts";
import type { Connection, Session, SqlRow } from "./session.ts";
import type { Collection, CollectionType } from "./collection.ts";

/**
 * Types of collections by `collection.type`. Source: `schema/butler-repository.md`, section 2.2.
 */
const COLLECTION_TYPE_BY_CODE: ReadonlyMap<number, CollectionType> = new Map([
  [1, "RUN"],
  [2, "TAGGED"],
  [3, "CHAINED"],
  [4, "CALIBRATION"],
]);

/** Codes of the collections that are made here. */
const COLLECTION_CODES = { RUN: 1, CHAINED: 3 } as const;

/**
 * Collections of one registry. Nothing is kept: others may change them at any time.
 *
 * Source: `schema/butler-repository.md`, section 3.3.
 */
export class Collections {
  readonly #connection: Connection;
  readonly #keys: CollectionKeys;
  readonly #columns: string;

  constructor(connection: Connection, keys: CollectionKeys) {
    this.#connection = connection;
    this.#keys = keys;
    this.#columns = `c.${keys.own}, c.name, c.type, c.doc FROM ${
      connection.dialect.table("collection")
    } c`;
  }

  /** The collection of that name, or null. */
  async find(session: Session, name: string): Promise<Collection | null> {
    const row = await session.first(`SELECT ${this.#columns} WHERE c.name = $1::text`, name);
    return row === null ? null : this.#fromRow(row);
  }

  /** The collection with that key, or null. */
  async findByKey(session: Session, key: CollectionKey): Promise<Collection | null> {
    const row = await session.first(
      `SELECT ${this.#columns} WHERE c.${this.#keys.own} = $1::${this.#keys.type}`,
      key,
    );
    return row === null ? null : this.#fromRow(row);
  }

  /** See `Registry.runsBelow`. */
  async runsBelow(session: Session, run: string): Promise<string[]> {
    const { dialect } = this.#connection;
    const rows = await session.all(
      `SELECT name FROM ${dialect.table("collection")} WHERE type = $1::smallint AND ` +
        dialect.startsWith("name", 2),
      COLLECTION_CODES.RUN,
      ...dialect.prefix(`${run}/`),
    );
    // Here, not in the database, whose collation is not that of code points.
    return rows.map(([name]) => String(name)).sort();
  }

  /**
   * Key of a RUN that datasets are to be written to.
   *
   * @throws {RefusedError} if there is no RUN of that name.
   */
  async runKey(session: Session, run: string): Promise<CollectionKey> {
    const found = await this.find(session, run);
    if (found?.type === "RUN") return found.key;
    const state = found === null ? "it is not registered" : `it is a ${found.type} collection`;
    throw new RefusedError(
      `Cannot use RUN "${run}" of registry "${this.#connection.name}": ${state}`,
    );
  }

  /**
   * Finds or makes a collection; a RUN has its row in `run` afterwards.
   *
   * @throws {ConflictingDefinitionError} if one of another type has that name.
   */
  async register(
    name: string,
    type: "RUN" | "CHAINED",
  ): Promise<{ collection: Collection; created: boolean }> {
    const found = await this.#connection.read("read", async (session) => {
      const collection = await this.#findAs(session, name, type);
      return collection !== null && await this.#isComplete(session, collection) ? collection : null;
    });
    if (found !== null) return { collection: found, created: false };
    return await this.#connection.transaction(
      `register ${type} collection "${name}" in`,
      (session) => this.#ensure(session, name, type),
    );
  }

  /**
   * Members of chains, depth first, each collection once; other collections stand for themselves.
   *
   * @throws {NotFoundError} if a name is unknown.
   */
  async flatten(session: Session, names: readonly string[]): Promise<Collection[]> {
    const seen = new Set<CollectionKey>();
    const result: Collection[] = [];
    // A stack of its own, for chains may be nested deeply; `seen` ends cycles.
    const pending = (await this.#getAll(session, names)).reverse();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next.key)) continue;
      seen.add(next.key);
      if (next.type === "CHAINED") {
        pending.push(...(await this.#children(session, next.key)).reverse());
      } else {
        result.push(next);
      }
    }
    return result;
  }

  /** Direct members of a chain in order. Errors as in `Registry.chainChildren`. */
  async children(session: Session, name: string): Promise<Collection[]> {
    const { key, type } = await this.#get(session, name);
    if (type !== "CHAINED") {
      throw new ConflictingDefinitionError(
        `Cannot list members of "${name}": it is a ${type} collection, expected CHAINED`,
      );
    }
    return await this.#children(session, key);
  }

  /** See `Registry.updateOutputChain`. */
  async updateOutputChain(chain: string, run: string, inputs: readonly string[]): Promise<void> {
    const isDone = await this.#connection.read("read", async (session) => {
      const found = await this.#findAs(session, chain, "CHAINED");
      return found !== null && await this.#hasMember(session, found.key, run);
    });
    if (isDone) return;
    await this.#connection.transaction(`update chain "${chain}" in`, async (session) => {
      const runCollection = await this.#get(session, run);
      const { collection, created } = await this.#ensure(session, chain, "CHAINED");
      // Positions are worked out from those that are there: nobody else may do so meanwhile.
      if (this.#connection.dialect.locksRows) {
        await session.run(
          `SELECT 1 FROM ${this.#connection.dialect.table("collection")} ` +
            `WHERE ${this.#keys.own} = $1::${this.#keys.type} FOR UPDATE`,
          collection.key,
        );
      }
      if (!created && await this.#hasMember(session, collection.key, run)) return;
      const members = created
        ? (await this.flatten(session, inputs)).filter(({ key }) => key !== runCollection.key)
        : [];
      await this.#checkNoCycle(session, collection, created ? [run, ...inputs] : [run]);
      // The reference extends first and prepends then: positions 1 to n, then 0.
      for (const [i, { key }] of members.entries()) {
        await this.#insertMember(session, collection.key, i + 1, key);
      }
      const first = await session.first(
        `SELECT min(position) FROM ${this.#connection.dialect.table("collection_chain")} ` +
          `WHERE parent = $1::${this.#keys.type}`,
        collection.key,
      );
      await this.#insertMember(
        session,
        collection.key,
        Number(first![0] ?? 0) - 1,
        runCollection.key,
      );
    });
  }

  async #insertMember(
    session: Session,
    parent: CollectionKey,
    position: number,
    child: CollectionKey,
  ): Promise<void> {
    await session.run(
      `INSERT INTO ${
        this.#connection.dialect.table("collection_chain")
      } (parent, position, child) ` +
        `VALUES ($1::${this.#keys.type}, $2::smallint, $3::${this.#keys.type})`,
      parent,
      position,
      child,
    );
  }

  /** A chain that contains itself could never be read again. */
  async #checkNoCycle(
    session: Session,
    chain: Collection,
    names: readonly string[],
  ): Promise<void> {
    const seen = new Set<CollectionKey>();
    const pending = await this.#getAll(session, names);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next.key === chain.key) {
        throw new RefusedError(
          `Cannot update chain "${chain.name}": it would contain itself through ` +
            names.map((name) => `"${name}"`).join(", "),
        );
      }
      if (seen.has(next.key)) continue;
      seen.add(next.key);
      if (next.type === "CHAINED") pending.push(...await this.#children(session, next.key));
    }
  }

  async #ensure(
    session: Session,
    name: string,
    type: "RUN" | "CHAINED",
  ): Promise<{ collection: Collection; created: boolean }> {
    let collection = await this.#findAs(session, name, type);
    let created = false;
    if (collection === null) {
      const { own } = this.#keys;
      const { nextKey, table } = this.#connection.dialect;
      const isName = own === "name";
      created = await session.run(
        `INSERT INTO ${table("collection")} (${isName ? "" : `${own}, `}name, type) VALUES (` +
          (isName ? "" : `${nextKey("collection", own)}, `) +
          "$1::text, $2::smallint) ON CONFLICT DO NOTHING",
        name,
        COLLECTION_CODES[type],
      ) === 1;
      // Not created: somebody else was quicker, and may have made another type of it.
      collection = await this.#findAs(session, name, type) ?? await this.#get(session, name);
    }
    if (type === "RUN") {
      await session.run(
        `INSERT INTO ${
          this.#connection.dialect.table("run")
        } (${this.#keys.own}) VALUES ($1::${this.#keys.type}) ` +
          "ON CONFLICT DO NOTHING",
        collection.key,
      );
    }
    return { collection, created };
  }

  /** The reference writes the two rows of a RUN in two transactions and may die between them. */
  async #isComplete(session: Session, { key, type }: Collection): Promise<boolean> {
    if (type !== "RUN") return true;
    const row = await session.first(
      `SELECT 1 FROM ${
        this.#connection.dialect.table("run")
      } WHERE ${this.#keys.own} = $1::${this.#keys.type}`,
      key,
    );
    return row !== null;
  }

  async #findAs(
    session: Session,
    name: string,
    type: CollectionType,
  ): Promise<Collection | null> {
    const found = await this.find(session, name);
    if (found === null || found.type === type) return found;
    throw new ConflictingDefinitionError(
      `Cannot use ${type} collection "${name}" of registry "${this.#connection.name}": ` +
        `it is a ${found.type} collection`,
    );
  }

  async #get(session: Session, name: string): Promise<Collection> {
    const found = await this.find(session, name);
    if (found !== null) return found;
    throw new NotFoundError(
      `Cannot find collection "${name}" in registry "${this.#connection.name}"`,
    );
  }

  async #getAll(session: Session, names: readonly string[]): Promise<Collection[]> {
    const found: Collection[] = [];
    for (const name of names) found.push(await this.#get(session, name));
    return found;
  }

  async #hasMember(session: Session, chainKey: CollectionKey, name: string): Promise<boolean> {
    const row = await session.first(
      `SELECT ${this.#columns} JOIN ${this.#connection.dialect.table("collection_chain")} m ` +
        `ON m.child = c.${this.#keys.own} WHERE m.parent = $1::${this.#keys.type} ` +
        "AND c.name = $2::text",
      chainKey,
      name,
    );
    return row !== null;
  }

  async #children(session: Session, key: CollectionKey): Promise<Collection[]> {
    const rows = await session.all(
      `SELECT ${this.#columns} JOIN ${this.#connection.dialect.table("collection_chain")} m ` +
        `ON m.child = c.${this.#keys.own} WHERE m.parent = $1::${this.#keys.type} ` +
        "ORDER BY m.position",
      key,
    );
    return rows.map((row) => this.#fromRow(row));
  }

  #fromRow([key, name, code, doc]: SqlRow): Collection {
    const type = COLLECTION_TYPE_BY_CODE.get(Number(code));
    if (type === undefined) {
      throw new RepositoryError(
        `Cannot use collection "${name}" of registry "${this.#connection.name}": its type is ${code}`,
      );
    }
    return { key: this.#keys.fromRow(key), name: name as string, type, doc: doc as string | null };
  }
}
