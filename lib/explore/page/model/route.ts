/**
 * Where the page stands, as the part of its address behind `#`: every view, with its filters, is a link.
 *
 * @module
 */

/** Names of views. */
const VIEWS = [
  "overview",
  "failures",
  "quanta",
  "map",
  "quantum",
  "dataset",
  "compare",
] as const;

/** Name of a view. */
export type ViewName = typeof VIEWS[number];

/** A place of the page. */
export interface Route {
  view: ViewName;
  /** Of the quantum or dataset that is shown; empty for other views. */
  id: string;
  /** Filters and choices; what is absent is as usual. */
  query: Readonly<Record<string, string>>;
}

/** Reads the part of an address behind `#`; what isn't understood is the overview. */
export function parseRoute(hash: string): Route {
  const [path, search = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [name, id = ""] = path.split("/").map(decoded);
  const view = VIEWS.find((known) => known === name) ?? "overview";
  const query = Object.fromEntries(new URLSearchParams(search));
  return { view, id, query };
}

/** The link to a place. */
export function linkTo(
  view: ViewName,
  query: Readonly<Record<string, string | null | undefined>> = {},
  id = "",
): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value) search.set(key, value);
  const text = String(search);
  return `#/${view}${id === "" ? "" : `/${encodeURIComponent(id)}`}${
    text === "" ? "" : `?${text}`
  }`;
}

/** The link to a place with some choices changed; null takes one away. */
export function linkWith(
  { view, id, query }: Route,
  changes: Readonly<Record<string, string | null>>,
): string {
  return linkTo(view, { ...query, ...changes }, id);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
