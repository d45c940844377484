/** JSON of unknown origin: nothing in it may take much time or memory later. */

/** Deeper values are refused: some code that reads values calls itself at each level. */
export const DEEPEST = 100;

/** The value of a JSON text, or undefined if it is not JSON or is nested more than 100 deep. */
export function parseBounded(text: string): unknown {
  if (depthOf(text) > DEEPEST) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** How deep brackets and braces are nested, outside of strings. */
export function depthOf(text: string): number {
  let [depth, deepest, inString] = [0, 0, false];
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x5b || char === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (char === 0x5d || char === 0x7d) depth--;
  }
  return deepest;
}
