import { jsonLines } from '../rl/data/json-lines.ts';
import { mean } from '../rl/statistics.ts';
import { summarizeEvaluation, type Evaluated } from '../rl/evaluation/evaluate.ts';
import { exactMatch } from '../rl/evaluation/exact-match.ts';
import { instructionAccuracy } from '../rl/evaluation/instructions.ts';
import type { EvaluationPrompt } from '../rl/evaluation/prompt-files.ts';
import { defineCommand } from './command.ts';
import { judgeCheckpoint, judgingNotes, judgingOptions, openJudging } from './judging.ts';
import { baseOption, modelOption } from './open.ts';
import { Progress } from './progress.ts';
import { findPolicy } from './run-files.ts';
import { textModels } from './text-models.ts';
import { table } from './text.ts';
import { writingNotes, writingOf, writingOptions } from './writing.ts';
import { writeResult } from './write-result.ts';

export const evaluation = defineCommand({
  name: 'eval',
  summary:
    'Judges a policy: one sampled completion for each of the prompts that training never sees.',
  options: {
    ...modelOption,
    ...baseOption,
    ...writingOptions,
    ...judgingOptions,
    out: {
      type: 'text',
      optional: true,
      help: 'JSONL file to write, one judged completion a line.',
    },
  },
  notes:
    `${writingNotes}\n${judgingNotes}\n` +
    'instructions/prompt_strict is the share of prompts whose instructions are all followed, as rules find ' +
    "(IFEval's strict accuracy by prompt), and instruction_strict the share of instructions; loose accepts a " +
    'response also without its first line, its last line, or asterisks. exact_match is the share of right answers.',
  async run({ options }) {
    const policy = await findPolicy(options.model);
    const asked = { path: policy.path, base: options.base, writing: writingOf(policy, options) };
    const judging = await openJudging(options, policy, options.base);
    try {
      if (judging.notice) process.stderr.write(`${judging.notice}\n`);
      const progress = new Progress(judging.prompts.length);
      const rows = await judgeCheckpoint(judging, asked, options.seed, (done) =>
        progress.update(done),
      );
      progress.clear();
      if (options.out !== undefined) {
        await writeResult(options.out, jsonLines(rows));
      }
      return { ...summarizeEvaluation(rows), ...checkable(rows, judging.prompts) };
    } finally {
      judging.close();
    }
  },
  format: (result) => table(Object.entries(result)),
});

/** The results of rules: instructions followed, answers matched. */
function checkable(
  rows: readonly Evaluated[],
  prompts: readonly EvaluationPrompt[],
): Record<string, number | string> {
  const judged = rows.map(({ response }, i) => ({ response, ...prompts[i]! }));
  const report = instructionAccuracy(
    judged.map(({ response, instructions = [] }) => ({ response, instructions })),
    textModels,
  );
  const shares = {
    prompt_strict: report.prompt_strict,
    prompt_loose: report.prompt_loose,
    instruction_strict: report.instruction_strict,
    instruction_loose: report.instruction_loose,
    ...report.by_id,
  };
  const answered = judged.flatMap(({ response, answers }) =>
    answers ? [exactMatch(response, answers) ? 1 : 0] : [],
  );
  const unknown = Object.entries(report.unknown).map(([id, count]) => `${id} (${count})`);
  return {
    ...Object.fromEntries(
      Object.entries(shares).flatMap(([name, share]) =>
        share === null ? [] : [[`instructions/${name}`, share]],
      ),
    ),
    ...(unknown.length > 0 && { 'instructions/not judged': unknown.join(', ') }),
    ...(answered.length > 0 && { exact_match: mean(answered) }),
  };
}
