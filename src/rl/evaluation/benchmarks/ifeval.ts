/**
 * IFEval (Zhou et al. 2023, arXiv 2311.07911): 541 prompts with instructions that rules check, as
 * lm-eval 0.4.13 scores them (tasks/ifeval). ../ifeval-checks.ts has the rules.
 */
import { readPromptFile } from '../prompt-files.ts';
import { follows } from '../instructions.ts';
import type { Instruction } from '../ifeval-checks.ts';
import type { TextModels } from '../text-models/text-models.ts';
import { BenchmarkDataError, type RuleBenchmark, type Scored } from './benchmark.ts';
import { meanRow } from './rows.ts';

/** Whether one instruction is followed. */
interface LooseAndStrict {
  strict: boolean;
  loose: boolean;
}

const FILE = 'input_data.jsonl';

export const ifeval = (
  models: TextModels,
): RuleBenchmark<readonly Instruction[], LooseAndStrict[]> => ({
  name: 'ifeval',
  title: 'IFEval',
  files: [
    {
      name: FILE,
      holds: 'the 541 prompts',
      from: 'https://github.com/google-research/google-research/tree/master/instruction_following_eval/data',
    },
  ],
  by: 'rule',
  remark:
    'languages are detected as by langdetect with the seed 0; lm-eval sets no seed, so its own verdicts on ' +
    'the language of short, mixed or capital texts change from run to run.',
  items(files) {
    const { format, rows } = readPromptFile(files[FILE]!, FILE);
    if (format !== 'ifeval') {
      throw new BenchmarkDataError(`${FILE} has no instruction_id_list; use the file of IFEval.`);
    }
    return rows.map(({ prompt, instructions = [] }, i) => ({
      ...{ id: String(i), turns: [prompt], data: instructions },
    }));
  },
  verdict: ({ data }, [response = '']) =>
    data.map((one) => ({
      strict: follows(one, response, false, models) === true,
      loose: follows(one, response, true, models) === true,
    })),
  score(rows) {
    const share = (name: string, of: (verdict: LooseAndStrict[]) => number[]) =>
      meanRow(name, rows.flatMap(questionValues(of)), 100);
    const all = (key: keyof LooseAndStrict) => (verdict: LooseAndStrict[]) => [
      verdict.every((one) => one[key]) ? 1 : 0,
    ];
    const each = (key: keyof LooseAndStrict) => (verdict: LooseAndStrict[]) =>
      verdict.map((one) => (one[key] ? 1 : 0));
    return [
      { ...share('prompt_level_strict_acc', all('strict')), main: true },
      share('prompt_level_loose_acc', all('loose')),
      share('inst_level_strict_acc', each('strict')),
      share('inst_level_loose_acc', each('loose')),
    ];
  },
});

/** The values of one item's verdict, under the question that they are drawn with. */
function questionValues<Verdict>(of: (verdict: Verdict) => number[]) {
  return ({ item, verdict }: Scored<unknown, Verdict>): { question: string; value: number }[] =>
    of(verdict).map((value) => ({ question: item.question ?? item.id, value }));
}
