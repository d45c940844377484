import type { StepReport } from '../../rl/report.ts';

interface Pace {
  secondsPerStep: number;
  /** Prompt and completion tokens; absent where the run does not count them. */
  tokensPerSecond?: number;
}

/**
 * The pace over the last `window` steps, from TRL's step_time and its running num_tokens. The evaluation
 * before the first step is no step: its report has no step_time.
 */
export function paceOf(reports: readonly StepReport[], window = 10): Pace | null {
  const rows = reports
    .slice(-window)
    .map((report) => report.metrics)
    .filter((row) => row['step_time'] !== undefined);
  const seconds = rows.reduce((sum, row) => sum + (row['step_time'] ?? 0), 0);
  if (!(seconds > 0)) return null;
  const pace: Pace = { secondsPerStep: seconds / rows.length };
  // num_tokens counts from the run's start: the window's first row only says where it began.
  const first = rows[0];
  const begin = first?.['num_tokens'];
  const end = rows.at(-1)?.['num_tokens'];
  const elapsed = seconds - (first?.['step_time'] ?? 0);
  if (begin !== undefined && end !== undefined && elapsed > 0)
    pace.tokensPerSecond = (end - begin) / elapsed;
  return pace;
}
