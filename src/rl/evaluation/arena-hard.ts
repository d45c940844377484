/**
 * Arena-Hard's win rate with style control (Li et al. 2024, arXiv 2406.11939; its show_result.py and
 * utils/math_utils.py): a Bradley-Terry model against one baseline, with differences in style as
 * further features of a logistic regression; the win rate is that of the policy's coefficient alone.
 * Features: (len - len_b) / (len + len_b), and for headers, lists and bold the densities per token
 * (d - d_b) / (d + d_b + 1), each divided by its standard deviation.
 *
 * Unlike theirs the features are not centred: they centre over the battles of many models, while with
 * one model against the baseline centring would hand all of style to the model's own coefficient.
 */
import { std } from '../advantages.ts';
import { wordCount } from '../metrics.ts';
import { fitLogistic, sigmoid } from './logistic.ts';
import type { Level } from './wildbench.ts';

export interface Style {
  /** In tokens there, in words where nothing else is known. */
  length: number;
  headers: number;
  lists: number;
  bold: number;
}

export interface Battle {
  level: Level;
  style: Style;
  baselineStyle: Style;
}

/** A verdict of "much" better or worse counts as three battles. */
const MUCH_WEIGHT = 3;

export function styleOf(response: string): Style {
  // Code is not style: utils/add_markdown_info.py takes fenced blocks out first.
  const text = response.replace(/```[^`]*```/gs, '');
  return {
    length: wordCount(response),
    headers: count(text, /^#{1,6}\s/gm),
    lists: count(text, /^\s*(\d+\.|[-*+])\s/gm),
    bold: count(text, /\*\*[^*\n]+\*\*|__[^_\n]+__/g),
  };
}

/** Between 0 and 1; the weight of a feature that never differs is zero. */
export function styleControlledWinRate(battles: readonly Battle[]): number {
  const repeated = battles.flatMap((battle) =>
    Array.from({ length: Math.abs(battle.level) === 1 ? MUCH_WEIGHT : 1 }, () => battle),
  );
  const raw = repeated.map(({ style, baselineStyle }) => styleDifference(style, baselineStyle));
  const scales = [0, 1, 2, 3].map((k) => std(raw.map((row) => row[k]!)) || 1);
  const features = raw.map((row) => [1, ...row.map((value, k) => value / scales[k]!)]);
  const outcomes = repeated.map(({ level }) => (Math.sign(level) + 1) / 2);
  const [strength] = fitLogistic(features, outcomes);
  return sigmoid(strength!);
}

function styleDifference(own: Style, other: Style): number[] {
  const density = (style: Style, key: 'headers' | 'lists' | 'bold'): number =>
    style[key] / Math.max(1, style.length);
  const markdown = (['headers', 'lists', 'bold'] as const).map((key) => {
    const [a, b] = [density(own, key), density(other, key)];
    return (a - b) / (a + b + 1);
  });
  return [(own.length - other.length) / Math.max(1, own.length + other.length), ...markdown];
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
