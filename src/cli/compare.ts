import { summarizeEvaluation } from '../rl/evaluation/evaluate.ts';
import { compareEvaluations } from '../rl/evaluation/compare.ts';
import type { ControlledInterval } from '../rl/evaluation/controlled.ts';
import type { Interval } from '../rl/evaluation/intervals.ts';
import { LENGTH_MARGIN, LEVEL_MARGINS } from '../rl/evaluation/wildbench.ts';
import { TIE_SHARE } from '../rl/evaluation/win-rate.ts';
import { defineCommand } from './command.ts';
import { judgeCheckpoint, judgingOptions, openJudging } from './judging.ts';
import { baseOption } from './open.ts';
import { Progress } from './progress.ts';
import { findPolicy } from './run-files.ts';
import { table } from './text.ts';
import { writingNotes, writingOf, writingOptions } from './writing.ts';

export const compare = defineCommand({
  name: 'compare',
  positionals: {
    MODEL: 'Folder of the checkpoint that is to win.',
    BASELINE: 'Folder of the checkpoint it is compared with.',
  },
  summary:
    'Two checkpoints on the same held-out prompts with the same seeds: who wins, by every judge.',
  options: {
    ...baseOption,
    baseline_base: {
      type: 'text',
      optional: true,
      help: 'The same for the baseline, where it differs.',
    },
    ...writingOptions,
    baseline_thinking: {
      type: 'flag',
      optional: true,
      help: 'Whether a thought comes first in the baseline, where it differs.',
    },
    ...judgingOptions,
    length_margin: {
      type: 'number',
      default: LENGTH_MARGIN,
      min: 0,
      help: "WildBench's K: a slight win by more characters than this counts as a tie in the score.",
    },
  },
  notes:
    'Intervals are 95%, by bootstrap over the prompts. A judge gives scores: differences up to ' +
    `${TIE_SHARE} standard deviations are ties, beyond ${LEVEL_MARGINS.much} they are "much" better ` +
    `(WildBench score, style control).\n${writingNotes} One that is of no run is asked as the other one is.`,
  async run({ positionals: [model = '', baseline = ''], options }) {
    const [own, other] = [await findPolicy(model), await findPolicy(baseline)];
    const { base, baseline_base = base, thinking, baseline_thinking = thinking, seed } = options;
    const asked = {
      path: own.path,
      base,
      writing: writingOf({ ...other, ...own }, options),
    };
    const against = {
      path: other.path,
      base: baseline_base,
      writing: writingOf({ ...own, ...other }, { ...options, thinking: baseline_thinking }),
    };
    const judging = await openJudging(options);
    try {
      if (judging.notice) process.stderr.write(`${judging.notice}\n`);
      const count = judging.prompts.length;
      const progress = new Progress(2 * count);
      const ours = await judgeCheckpoint(judging, asked, seed, (done) => progress.update(done));
      const theirs = await judgeCheckpoint(judging, against, seed, (done) =>
        progress.update(count + done),
      );
      progress.clear();
      return {
        prompts: count,
        model: summarizeEvaluation(ours),
        baseline: summarizeEvaluation(theirs),
        judges: compareEvaluations(ours, theirs, seed, options.length_margin),
      };
    } finally {
      judging.close();
    }
  },
  format: ({ prompts, judges, model, baseline }) => {
    const rows = judges.map((judge) => [
      judge.judge,
      judge.ours.toFixed(3),
      judge.baseline.toFixed(3),
      percent(judge.win_rate),
      controlled(judge.lc_win_rate),
      controlled(judge.style_controlled_win_rate),
      interval(judge.score, 1, 0),
    ]);
    const header = ['judge', 'model', 'baseline', 'win rate', 'LC win rate', 'style', 'score'];
    const words = (name: string): string =>
      `${(model[name] ?? 0).toFixed(1)} and ${(baseline[name] ?? 0).toFixed(1)}`;
    const rates = judges.flatMap((judge) => [judge.lc_win_rate, judge.style_controlled_win_rate]);
    return (
      table([header, ...rows]) +
      (rates.every((rate) => rate.controlled) ? '' : UNCONTROLLED) +
      `${prompts} prompts; words of a thought ${words('mean_thought_length')}, ` +
      `of a response ${words('mean_response_length')}\n`
    );
  },
});

/** What the mark at a rate means. */
const UNCONTROLLED =
  '* the raw win rate: length, or style, differs by about as much on every prompt, so that what it does ' +
  'cannot be told from what the model does\n';

function controlled(of: ControlledInterval): string {
  return percent(of) + (of.controlled ? '' : '*');
}

function percent(of: Interval): string {
  return `${interval(of, 100, 0)}%`;
}

function interval({ mean, low, high }: Interval, scale: number, digits: number): string {
  const [a, b, c] = [mean, low, high].map((value) => (scale * value).toFixed(digits));
  return `${a} [${b}, ${c}]`;
}
