/**
 * Arena-Hard's win rate with style control (Li et al. 2024, arXiv 2406.11939; its show_result.py and
 * utils/math_utils.py): a Bradley-Terry model against one baseline, with differences in style as
 * further features of a logistic regression; the win rate uses only the policy's coefficient.
 * Features: (len - len_b) / (len + len_b), and for headers, lists and bold the densities per token
 * (d - d_b) / (d + d_b + 1), each divided by its standard deviation.
 *
 * Unlike theirs, the features are not centred. They centre over the battles of many models; with one
 * model, centring would move the whole effect of style into the model's own coefficient.
 */
import { mean } from '../statistics.ts';
import { wordCount } from './completion-metrics.ts';
import { controlledInterval, isSeparable, spread, type ControlledInterval } from './controlled.ts';
import type { BootstrapOptions } from './intervals.ts';
import { fitLogistic, sigmoid } from './logistic.ts';
import type { Level } from './wildbench.ts';

export interface Style {
  /** In words; Arena-Hard counts tokens. */
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
 * Between 0 and 1; the weight of a feature that never differs is zero. If style differs by about the
 * same amount everywhere, its effect cannot be found, and this is the raw win rate.
 */
export function styleControlledWinRate(battles: readonly Battle[]): number {
  return canControl(battles) ? controlledRate(battles) : rawRate(battles);
}

/** The same with a 95% interval over prompts, and whether style was controlled for. */
export function styleControlledInterval(
  battles: readonly Battle[],
  options: BootstrapOptions,
): ControlledInterval {
  const rates = { controlled: controlledRate, raw: rawRate };
  return controlledInterval(battles, canControl(battles), rates, options);
}

const weighted = (battles: readonly Battle[]): Battle[] =>
  battles.flatMap((battle) =>
    Array.from({ length: Math.abs(battle.level) === 1 ? MUCH_WEIGHT : 1 }, () => battle),
  );

const outcome = ({ level }: Battle): number => (Math.sign(level) + 1) / 2;

const rawRate = (battles: readonly Battle[]): number => mean(weighted(battles).map(outcome));

const canControl = (battles: readonly Battle[]): boolean =>
  isSeparable(weighted(battles).map(styleDifference));

function controlledRate(battles: readonly Battle[]): number {
  const repeated = weighted(battles);
  const raw = repeated.map(styleDifference);
  const scales = [0, 1, 2, 3].map((k) => spread(raw.map((row) => row[k]!)) || 1);
  const features = raw.map((row) => [1, ...row.map((value, k) => value / scales[k]!)]);
  const [strength] = fitLogistic(features, repeated.map(outcome));
  return sigmoid(strength!);
}

function styleDifference({ style: own, baselineStyle: other }: Battle): number[] {
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
