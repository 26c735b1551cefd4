/**
 * Configuration files of remote stores. Configurations are read synchronously; whoever meets a file that
 * hasn't been fetched yet says so, it is fetched, and reading begins anew: there are few of them.
 *
 * @module
 */

/** Thrown for a file that is to be fetched first. */
export class MissingText extends Error {
  /** Its URI. */
  readonly uri: string;

  constructor(uri: string) {
    super(`"${uri}" hasn't been fetched`);
    this.uri = uri;
  }
}

/** What was fetched; null for what is absent. */
export class RemoteTexts {
  readonly #texts: ReadonlyMap<string, string | null>;

  constructor(texts: ReadonlyMap<string, string | null>) {
    this.#texts = texts;
  }

  /** @throws {MissingText} if it hasn't been fetched. */
  read(uri: string): string | null {
    const text = this.#texts.get(uri);
    if (text === undefined) throw new MissingText(uri);
    return text;
  }
}

/** Nothing was fetched. */
export const NO_TEXTS: RemoteTexts = new RemoteTexts(new Map());
