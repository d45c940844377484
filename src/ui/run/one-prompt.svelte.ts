import type { Group, StepReport } from '../../rl/report.ts';
import { evaluatedSteps, mostImproved, type EvaluatedStep } from '../group/evaluated.ts';
import type { ViewedRun } from './viewed-run.svelte.ts';

/** A group, and the step that it is from. */
export interface SteppedGroup {
  step: number;
  group: Group;
  /** Training never uses its prompt. */
  heldOut: boolean;
}

/** The held-out prompt that all views show. */
export class OnePrompt {
  readonly evaluated: readonly EvaluatedStep[] = $derived.by(() =>
    evaluatedSteps(this.run.reports),
  );
  readonly all: readonly string[] = $derived.by(
    () => this.evaluated[0]?.samples.map(({ prompt }) => prompt) ?? [],
  );
  /** What the visitor has chosen; it stays when another run is shown that has it too. */
  private chosen = $state<string>();
  readonly index: number = $derived.by(() => {
    const found = this.chosen === undefined ? -1 : this.all.indexOf(this.chosen);
    return found >= 0 ? found : mostImproved(this.evaluated);
  });
  readonly isChosen: boolean = $derived(this.chosen !== undefined);
  /** Understand shows what the step trained on, instead of the held-out prompt. */
  trained = $state(false);

  constructor(private readonly run: ViewedRun) {}

  get text(): string | undefined {
    return this.all[this.index];
  }

  choose(index: number): void {
    this.chosen = this.all[index];
    this.trained = false;
  }

  /** Whether the run wrote groups for this prompt. */
  readonly isFollowed: boolean = $derived.by(() =>
    this.run.reports.some((report) => this.followedIn(report)),
  );
  private readonly heldOut: boolean = $derived(this.isFollowed && !this.trained);

  /** The prompt's group of this very step; of the prompt that it trained on, if that was chosen. */
  groupIn(report: StepReport): Group | undefined {
    return this.heldOut ? this.followedIn(report) : report.group;
  }

  /** The same of the last step up to `report` that has one, or else of the first. */
  groupAt(report: StepReport | undefined): SteppedGroup | undefined {
    const { heldOut } = this;
    const reports = heldOut ? this.run.reports : [];
    const has = (other: StepReport): boolean => this.followedIn(other) !== undefined;
    const step = report?.metrics.step ?? 0;
    const upTo = (other: StepReport): boolean => other.metrics.step <= step && has(other);
    const found = reports.findLast(upTo) ?? reports.find(has) ?? report;
    const group = found && this.groupIn(found);
    return group && { step: found.metrics.step, group, heldOut };
  }

  private followedIn({ followed }: StepReport): Group | undefined {
    return followed?.find(({ prompt }) => prompt === this.text);
  }
}
