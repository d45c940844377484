import type { StepReport } from '../../rl/report.ts';

interface Pace {
  secondsPerStep: number;
  /** Prompt and completion tokens; absent where the run does not count them. */
  tokensPerSecond?: number;
}

/** The pace over the last `window` reports, from TRL's step_time and its running num_tokens. */
export function paceOf(reports: readonly StepReport[], window = 10): Pace | null {
  const rows = reports.slice(-window).map((report) => report.metrics);
  const times = rows.map((row) => row['step_time']).filter((time) => time !== undefined);
  const seconds = times.reduce((sum, time) => sum + time, 0);
  if (!rows.length || times.length < rows.length || !(seconds > 0)) return null;
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
