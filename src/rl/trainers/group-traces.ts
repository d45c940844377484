/** The numbers of the tokens of groups, before and after an update, for display. */
import type { TrainingRunner } from '../../model/batch-runner.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import type { TokenTrace } from '../report.ts';
import { packGroups, perCompletion } from './micro-batch.ts';
import type { Reference } from './reference.ts';
import type { ScoredGroup } from './rollout-writer.ts';
import { k3, tokenTrace, type TraceColumns } from './token-trace.ts';

/** Its passes overwrite the activations of the runner. */
export class GroupTraces {
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly runner: TrainingRunner,
    private readonly reference: Reference | undefined,
    private readonly temperature = 1,
  ) {}

  /** What policy and reference say of the tokens now: for each group, the columns of each completion. */
  async before(groups: readonly ScoredGroup[]): Promise<TraceColumns[][]> {
    const columns: TraceColumns[][] = [];
    for (const { packed } of packGroups(groups, 1)) {
      // The reference shares the runner's memory, so it goes first.
      const kept = await this.reference?.runner.forward(packed, this.temperature);
      const ref = kept && perCompletion(kept.values, packed);
      const { values, entropy } = await this.runner.forward(packed, this.temperature);
      const entropies = perCompletion(entropy, packed);
      columns.push(
        perCompletion(values, packed).map((logp, i) => ({
          logp,
          entropy: entropies[i]!,
          ...(ref && { ref: ref[i]!, kl: k3(logp, ref[i]!) }),
        })),
      );
    }
    return columns;
  }

  /** The traces of a group: its columns from before the update, and the log-probs after it. */
  async after(group: ScoredGroup, columns: readonly TraceColumns[]): Promise<TokenTrace[]> {
    const [batch] = packGroups([group], 1);
    const { values } = await this.runner.forward(batch!.packed, this.temperature);
    const after = perCompletion(values, batch!.packed);
    return group.samples.map((sample, i) =>
      tokenTrace(this.tokenizer, sample, { ...columns[i]!, after: after[i]! }),
    );
  }
}
