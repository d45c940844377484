/** The log-probs of a group's pair, as DPO's loss reads them. */
import type { dpoLoss } from '../../rl/objectives/dpo.ts';
import type { Group, TokenTrace } from '../../rl/report.ts';

export type Pair = NonNullable<Group['pair']>;

/** Log-probs of both completions; undefined where the report lacks them. */
export function pairLogps(
  { samples }: Group,
  { chosen, rejected }: Pair,
): Parameters<typeof dpoLoss>[0][number] | undefined {
  const better = samples[chosen]?.trace;
  const worse = samples[rejected]?.trace;
  if (!better?.ref || !worse?.ref) return undefined;
  return {
    chosen: sum(better.logp),
    rejected: sum(worse.logp),
    refChosen: sum(better.ref),
    refRejected: sum(worse.ref),
  };
}

function sum(values: TokenTrace['logp']): number {
  return values.reduce((total, value) => total + value, 0);
}
