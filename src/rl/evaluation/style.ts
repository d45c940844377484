/** The style of a response, and the differences in style that Arena-Hard's regression controls for. */
import { wordCount } from './completion-metrics.ts';

export interface Style {
  /** In words; Arena-Hard counts tokens. */
  length: number;
  headers: number;
  lists: number;
  bold: number;
}

export function styleOf(response: string): Style {
  // Code does not count as style: utils/add_markdown_info.py removes fenced blocks first.
  const text = response.replace(/```[^`]*```/gs, '');
  return {
    length: wordCount(response),
    headers: count(text, /^#{1,6}\s/gm),
    lists: count(text, /^\s*(\d+\.|[-*+])\s/gm),
    bold: count(text, /\*\*[^*\n]+\*\*|__[^_\n]+__/g),
  };
}

/**
 * (len - len_b) / (len + len_b), and for headers, lists and bold the densities per word:
 * (d - d_b) / (d + d_b + 1).
 * @param divisor of the counts in a density, from the length in words; at least 1
 */
export function styleDifferences(
  own: Style,
  other: Style,
  divisor: (length: number) => number,
): number[] {
  const markdown = (['headers', 'lists', 'bold'] as const).map((key) => {
    const density = (style: Style): number => style[key] / divisor(style.length);
    const [a, b] = [density(own), density(other)];
    return (a - b) / (a + b + 1);
  });
  return [(own.length - other.length) / Math.max(1, own.length + other.length), ...markdown];
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
