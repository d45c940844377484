/**
 * A walk through one update is a list of steps. Each asks for a guess while the numbers of the step
 * before are on view, then shows its own.
 */
import type { ChapterName } from '../../learn/chapters.ts';

export type Question =
  /** One of several answers. */
  | { kind: 'choice'; text: string; choices: readonly string[]; answer: number }
  /** One of the group's tries, or several that are the same; more than one may be right. */
  | {
      kind: 'pick';
      text: string;
      options: readonly (readonly number[])[];
      answers: readonly number[];
      /** The prompt is needed to answer. */
      needsPrompt?: true;
    }
  /** A number on a slider, right within `tolerance`. */
  | {
      kind: 'guess';
      text: string;
      min: number;
      max: number;
      step: number;
      answer: number;
      tolerance: number;
    };

export type View =
  /** A bar for every try; null where there is no number. */
  | {
      kind: 'tries';
      values: readonly (number | null)[];
      caption: string;
      /** In units of the reward: such views keep one scale, so that bars are seen to move. */
      ofReward?: true;
      /** The sign of these values has no meaning. */
      plain?: true;
      /** A line across all bars, as for the mean. */
      line?: { at: number; label: string };
      /** Words beside some tries, by index. */
      marks?: Readonly<Record<number, string>>;
    }
  /** A column for every token of one try. */
  | { kind: 'tokens'; sample: number; values: readonly number[]; caption: string }
  /** A function of one number, which a slider moves along. */
  | {
      kind: 'curve';
      f: (x: number) => number;
      from: number;
      to: number;
      start: number;
      /** Numbers of the run, on the curve. */
      points: readonly number[];
      xLabel: string;
      yLabel: string;
      caption: string;
      /** A part of the x-axis that matters, such as the clip range. */
      band?: readonly [number, number];
    };

/** What the visitor may change in a step. */
type Control = 'scale_rewards' | 'sample' | 'lambda';

export interface Step {
  title: string;
  question?: Question;
  /** The result and the reason; shown after the guess. */
  reveal: string;
  view: View;
  /** Which chapter explains it. */
  chapter: ChapterName;
  control?: Control;
}

/** What the visitor has chosen in the walk's controls. */
export interface Choices {
  scale: 'group' | 'batch' | 'none';
  /** Index of the try whose tokens are on view. */
  sample: number;
  lambda: number;
}

export function isRight(question: Question, given: number): boolean {
  switch (question.kind) {
    case 'choice':
      return given === question.answer;
    case 'pick':
      return question.options[given]!.some((index) => question.answers.includes(index));
    case 'guess':
      return Math.abs(given - question.answer) <= question.tolerance + 1e-9;
  }
}

/** Indices of equal texts together, in the order of the first of each. */
export function alike(texts: readonly string[]): number[][] {
  const places = new Map<string, number[]>();
  for (const [i, text] of texts.entries()) {
    const same = places.get(text);
    if (same) same.push(i);
    else places.set(text, [i]);
  }
  return [...places.values()];
}

/** Indices of the largest values, ties included. */
export function largest(values: readonly number[]): number[] {
  const top = Math.max(...values);
  return values.flatMap((value, i) => (top - value < 1e-9 ? [i] : []));
}

/** A number as the bars print it: what looks equal counts as equal. */
export const asPrinted = (value: number): number => Number(value.toFixed(2));

/**
 * A slider around zero that has room on both sides of its answer, with about `stops` places, and
 * the tolerance of two of them.
 */
export function sliderFor(
  answer: number,
  stops = 40,
): { min: number; max: number; step: number; tolerance: number } {
  const reach = niceCeiling(Math.max(1, 1.6 * Math.abs(answer)));
  const step = (2 * reach) / stops;
  return { min: -reach, max: reach, step, tolerance: 2 * step };
}

/** The next of 1, 2, 5, 10, 20, 50... */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value) ?? 10;
  return factor * power;
}
