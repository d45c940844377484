/** Metrics of a step's completions under TRL's names; those of thoughts and gold are ours. */
import { mean } from '../statistics.ts';
import type { Group } from '../report.ts';
import type { GoldJudge } from '../rewards/reward.ts';

/** Thoughts and responses are counted in words, because they are split as text, not as tokens. */
export function wordCount(text: string | null): number {
  return text?.split(/\s+/).filter(Boolean).length ?? 0;
}

/** Share of the runs of three words that stood in the text before; 0 for fewer than four words. */
function repetition(text: string): number {
  const words = text.split(/\s+/).filter(Boolean);
  const runs = words.slice(2).map((_, i) => words.slice(i, i + 3).join(' '));
  return runs.length < 2 ? 0 : 1 - new Set(runs).size / runs.length;
}

export function completionMetrics(
  groups: readonly Group[],
  gold: GoldJudge | undefined,
): Record<string, number> {
  const samples = groups.flatMap((g) => g.samples);
  const lengths = samples.flatMap((s) => s.tokens ?? []);
  const terminated = samples.filter((s) => !s.truncated).flatMap((s) => s.tokens ?? []);
  const metrics: Record<string, number> = {
    'completions/mean_length': mean(lengths),
    'completions/min_length': Math.min(...lengths),
    'completions/max_length': Math.max(...lengths),
    'completions/clipped_ratio': samples.filter((s) => s.truncated).length / samples.length,
    'completions/mean_thought_length': mean(samples.map((s) => wordCount(s.thought))),
    'completions/mean_response_length': mean(samples.map((s) => wordCount(s.response))),
    'completions/repetition': mean(samples.map((s) => repetition(s.response))),
    'completions/malformed_ratio': samples.filter((s) => !s.wellFormed).length / samples.length,
  };
  const cut = samples.flatMap((s) => s.thoughtCut ?? []);
  if (cut.length > 0) {
    metrics['completions/clipped_thought_ratio'] = cut.filter(Boolean).length / cut.length;
  }
  if (terminated.length > 0) metrics['completions/mean_terminated_length'] = mean(terminated);
  if (gold) {
    metrics.gold = mean(samples.map((s) => s.gold as number));
    const truths = groups.flatMap((g) =>
      g.samples
        .map((s) => (s.thought === null ? undefined : gold.thoughtTruth?.(g.prompt, s.thought)))
        .filter((truth) => truth !== undefined),
    );
    if (truths.length > 0) metrics.thought_truth = mean(truths);
  }
  return metrics;
}
