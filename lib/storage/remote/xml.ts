/**
 * The few XML documents that stores answer with. Names come without their namespace's prefix; what XML has
 * besides elements and texts is refused, so that no document can make us do more than read it.
 *
 * @module
 */

import { EnvironmentError } from "../../base/errors.ts";

/** An element: its children by name, each a list; its text is under {@linkcode TEXT}. */
export interface XmlElement {
  [name: string]: (XmlElement | string)[] | string;
}

const TEXT = "#text";
/** Elements inside each other; five is usual. */
const MAX_DEPTH = 32;

const NAMED: { [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Reads documents. The parser is loaded with the first: scanners mostly see none. */
export class XmlReader {
  #parse: Promise<(text: string) => unknown> | null = null;

  async #load(): Promise<(text: string) => unknown> {
    const { XMLParser } = await import("fast-xml-parser");
    const parser = new XMLParser({
      removeNSPrefix: true,
      parseTagValue: false,
      trimValues: false,
      processEntities: false,
      ignoreDeclaration: true,
      ignoreAttributes: true,
      alwaysCreateTextNode: true,
      isArray: () => true,
      maxNestedTags: MAX_DEPTH,
    });
    return (text) => parser.parse(text, true);
  }

  /**
   * The root element of a document.
   *
   * @param name What the root must be called.
   * @param what The document's place in messages ('the list of "s3://b/"').
   * @throws {EnvironmentError} if it isn't such a document.
   */
  async read(bytes: Uint8Array, name: string, what: string): Promise<XmlElement> {
    const parse = await (this.#parse ??= this.#load());
    let reason: string;
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      if (/<!(?!--)/.test(text.replace(/<!\[CDATA\[.*?\]\]>/gs, ""))) {
        throw new Error("it declares a document type");
      }
      const root = parse(text) as XmlElement;
      const [element] = root[name] ?? [];
      if (typeof element === "object") return element;
      reason = `it is no ${name} but "${Object.keys(root).join(", ").slice(0, 100)}"`;
    } catch (cause) {
      reason = cause instanceof Error ? cause.message : String(cause);
    }
    throw new EnvironmentError(`Cannot read ${what}: the answer is wrong: ${reason}`, {
      hint: "make sure that the address is that of the store, then run the same command again",
    });
  }
}

/** Elements of a name below another. */
export function children(element: XmlElement, name: string): XmlElement[] {
  const list = element[name];
  return Array.isArray(list)
    ? list.map((one) => typeof one === "string" ? { [TEXT]: one } : one)
    : [];
}

/** Text of the first element of a name; null if there is none. Entities are replaced. */
export function textOf(element: XmlElement, name: string): string | null {
  const [child] = children(element, name);
  if (child === undefined) return null;
  const text = child[TEXT];
  return withoutEntities(Array.isArray(text) ? text.join("") : text ?? "");
}

/** @throws {EnvironmentError} for an entity that XML itself doesn't have. */
function withoutEntities(text: string): string {
  return text.replace(/&([^;&\s]{0,12});?/g, (whole, name: string) => {
    const digits = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const code = digits === null ? NaN : parseInt(digits[1] ?? digits[2], digits[1] ? 16 : 10);
    if (code <= 0x10ffff) return String.fromCodePoint(code);
    if (Object.hasOwn(NAMED, name)) return NAMED[name];
    throw new EnvironmentError(`Cannot read the answer of the store: "${whole}" is unknown in XML`);
  });
}

/** Escapes a text for an element's content. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Whether XML 1.0 can have a text at all. */
export function isXmlText(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return text.isWellFormed() && !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text);
}
