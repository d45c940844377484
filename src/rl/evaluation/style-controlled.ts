/**
 * Arena-Hard's win rate with style control (Li et al. 2024, arXiv 2406.11939; its show_result.py and
 * utils/math_utils.py): a Bradley-Terry model against one baseline, with differences in style as
 * further features of a logistic regression; the win rate uses only the policy's coefficient.
 * Features: `styleDifferences`, each divided by its standard deviation.
 *
 * Unlike theirs, the features are not centred. They centre over the battles of many models; with one
 * model, centring would move the whole effect of style into the model's own coefficient.
 */
import { mean } from '../statistics.ts';
import { controlledInterval, isSeparable, spread, type ControlledInterval } from './controlled.ts';
import type { BootstrapOptions } from './intervals.ts';
import type { Level } from './levels.ts';
import { fitLogistic, sigmoid } from './logistic.ts';
import { styleDifferences, type Style } from './style.ts';

export interface Battle {
  level: Level;
  style: Style;
  baselineStyle: Style;
}

/** A verdict of "much" better or worse counts as three battles. */
const MUCH_WEIGHT = 3;

/**
 * Between 0 and 1, with a 95% interval over prompts; the weight of a feature that never differs is zero.
 * If style differs by about the same amount everywhere, its effect cannot be found, and this is the raw
 * win rate.
 */
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

const styleDifference = ({ style, baselineStyle }: Battle): number[] =>
  styleDifferences(style, baselineStyle, (length) => Math.max(1, length));
