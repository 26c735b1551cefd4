/**
 * How wide text is.
 *
 * @module
 */

import { withoutMarks } from "./color.ts";

/** Places that text takes on a terminal; wide letters of East Asian scripts and emoji take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const letter of withoutMarks(text)) {
    if (/\p{Mark}/u.test(letter)) continue;
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u
        .test(letter) || /\p{Emoji_Presentation}/u.test(letter)
      ? 2
      : 1;
  }
  return width;
}
