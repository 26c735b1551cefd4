/**
 * The configuration files of AWS: sections, keys with values, comments, and blocks of keys below a key.
 *
 * @module
 */

/** Keys and values of a section; keys of a block are `block.key`. */
export type IniSection = ReadonlyMap<string, string>;

/** Reads such a file; what is no section and no key is passed over, as AWS' own readers do. */
export function parseIni(text: string): Map<string, IniSection> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | null = null;
  let block = "";
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    const head = /^\[\s*([^\]]+?)\s*\]/.exec(line);
    if (head !== null) {
      const name = head[1].replace(/^profile\s+/, "").replace(/^"(.*)"$/, "$1");
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      block = "";
      continue;
    }
    const pair = /^(\s*)([^=:\s][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (pair === null || section === null) continue;
    const [, indent, key, value] = pair;
    const isInBlock = indent !== "" && block !== "";
    if (!isInBlock) block = value === "" ? `${key.toLowerCase()}.` : "";
    if (isInBlock) section.set(block + key.toLowerCase(), value);
    else if (value !== "") section.set(key.toLowerCase(), value.replace(/\s+[#;].*$/, ""));
  }
  return sections;
}
