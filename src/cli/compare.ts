import { summarizeEvaluation } from '../rl/evaluation/evaluate.ts';
import { compareEvaluations } from '../rl/evaluation/compare.ts';
import type { ControlledInterval } from '../rl/evaluation/controlled.ts';
import type { Interval } from '../rl/evaluation/intervals.ts';
import { LENGTH_MARGIN, LEVEL_MARGINS } from '../rl/evaluation/levels.ts';
import { TIE_SHARE } from '../rl/evaluation/win-rate.ts';
import { defineCommand } from './command.ts';
import { judgeCheckpoint, judgingNotes, judgingOptions, openJudging } from './judging.ts';
import { baseOption } from './open.ts';
import { Progress } from './progress.ts';
import { findPolicy } from './run-files.ts';
import { table } from './text.ts';
import { writingNotes, writingOf, writingOptions } from './writing.ts';

export const compare = defineCommand({
  name: 'compare',
  positionals: {
    MODEL: 'Folder of the checkpoint whose wins are counted.',
    BASELINE: 'Folder of the checkpoint that it is compared with.',
  },
  summary:
    'Compares two checkpoints on the same held-out prompts with the same seeds, by every judge.',
  options: {
    ...baseOption,
    baseline_base: {
      type: 'text',
      optional: true,
      help: "Folder of the baseline's base model, if it is not the one of --base.",
    },
    ...writingOptions,
    baseline_thinking: {
      type: 'flag',
      optional: true,
      help: 'Whether the baseline writes a thought first; by default as --thinking.',
    },
    ...judgingOptions,
    length_margin: {
      type: 'number',
      default: LENGTH_MARGIN,
      min: 0,
      help: "WildBench's K, in characters: in the score, a slight win counts as a tie if the response is longer by more than this.",
    },
  },
  notes:
    'Intervals are 95%, by bootstrap over the prompts. Differences of scores up to ' +
    `${TIE_SHARE} standard deviations are ties; above ${LEVEL_MARGINS.much} they count as "much" better ` +
    `(WildBench score, style control).\n${writingNotes} If only one of the two is of a run, the other one ` +
    `is asked in the same way.\n${judgingNotes} Of two runs, those of MODEL judge.`,
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
    const judging = await openJudging(options, own.of || !other.of ? own : other, base);
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

/** The meaning of the mark at a rate. */
const UNCONTROLLED =
  '* the raw win rate: length or style differs by about the same amount on every prompt, so its effect ' +
  'cannot be separated from the effect of the model\n';

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
