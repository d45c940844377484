/**
 * The paper's numbers that Ponder has beside its own: Llama-3.1-8B-Instruct, warm start, GRPO, without and
 * with a thought. Rows that are not here were not copied from the paper; they have no number beside them.
 */
export const PAPER_MODEL = 'Llama-3.1-8B-Instruct + GRPO';

export const PAPER_SOURCE =
  'Bhaskar, Ye and Chen 2025, arXiv 2509.20357, tables 1, 3 and 8 to 10; "-" is a number that was not copied. ' +
  'The repository of the paper has no MT-Bench, GPQA or LiveCodeBench.';

interface PaperNumbers {
  withoutThought: number;
  withThought: number;
}

/** By `benchmark/row`. */
export const PAPER: Readonly<Record<string, PaperNumbers>> = {
  'ifeval/prompt_level_strict_acc': { withoutThought: 75.6, withThought: 57.1 },
  'chat average/mean': { withoutThought: 35.8, withThought: 44.0 },
};
