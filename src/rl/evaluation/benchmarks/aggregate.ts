/**
 * The average over benchmarks that the paper's page names. It is a plain mean of main scores on a scale of
 * 0 to 100, and says which are in it: an average without one of its parts is another number.
 */
import { mean } from '../../statistics.ts';
import type { ScoreRow } from './benchmark.ts';

interface Part {
  benchmark: string;
  /** To a scale of 0 to 100. */
  scaled: (value: number) => number;
}

const same = (value: number): number => value;

/** MT-Bench is from 1 to 10, WildBench's score from -100 to 100; the others are percentages. */
const PARTS: readonly Part[] = [
  { benchmark: 'ifeval', scaled: same },
  { benchmark: 'gpqa', scaled: same },
  { benchmark: 'mt-bench', scaled: (value) => 10 * value },
  { benchmark: 'creative-writing', scaled: same },
  { benchmark: 'wildbench', scaled: same },
  { benchmark: 'arena-hard', scaled: same },
  { benchmark: 'livecodebench', scaled: same },
];

/** The chat average of the paper's tables. */
const CHAT: readonly Part[] = ['alpaca-eval', 'wildbench', 'arena-hard'].map((benchmark) => ({
  benchmark,
  scaled: same,
}));

export interface Average {
  name: 'aggregate' | 'chat average';
  /** null if no part was scored. */
  mean: number | null;
  contains: string[];
  missing: string[];
}

/** @param main the main score of each benchmark that was scored */
export function averages(main: Readonly<Partial<Record<string, ScoreRow>>>): Average[] {
  const over = (name: Average['name'], parts: readonly Part[]): Average => {
    const found = parts.filter(({ benchmark }) => main[benchmark]);
    return {
      name,
      mean: found.length
        ? mean(found.map(({ benchmark, scaled }) => scaled(main[benchmark]!.mean)))
        : null,
      contains: found.map(({ benchmark }) => benchmark),
      missing: parts.filter((part) => !found.includes(part)).map(({ benchmark }) => benchmark),
    };
  };
  return [over('aggregate', PARTS), over('chat average', CHAT)];
}
