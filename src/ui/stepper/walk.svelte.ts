import { SvelteMap } from 'svelte/reactivity';
import type { Group } from '../../rl/report.ts';
import type { SteppedGroup } from '../run/one-prompt.svelte.ts';
import { domainOf } from './domain.ts';
import type { UpdateOptions } from './update-options.ts';
import { isRight, type Choices, type View } from './walks/step.ts';
import { firstChoices, walkThrough } from './walks/walk.ts';

type TriesView = Extract<View, { kind: 'tries' }>;

/** A visitor's walk through one update: the current step, and the guesses so far. */
export class Walk {
  choices = $state.raw<Choices>({ scale: 'group', sample: 0, lambda: 1 });
  at = $state(0);
  /** The guess at each step; null if it was skipped. A step in this map is revealed. */
  private readonly guesses = new SvelteMap<number, number | null>();

  readonly steps = $derived.by(() =>
    walkThrough(this.group, this.options, this.choices, this.heldOut),
  );
  readonly current = $derived(this.steps[Math.min(this.at, this.steps.length - 1)]!);
  readonly revealed = $derived(!this.current.question || this.guesses.has(this.at));
  readonly right = $derived.by(() => this.wasRight(this.at));
  /** What is drawn; before the reveal, the numbers of the previous step. */
  readonly view: View = $derived.by(() => {
    if (this.revealed) return this.current.view;
    const before = this.steps[this.at - 1]?.view;
    return (
      before ?? {
        kind: 'tries',
        values: this.group.samples.map(() => null),
        caption: 'Reward',
        ofReward: true,
      }
    );
  });
  /** The ends of the bars on view. */
  readonly domain = $derived.by(() => {
    if (this.view.kind !== 'tries') return [0, 0] as const;
    const views = this.view.ofReward ? this.steps.map(({ view }) => view) : [this.view];
    const values = views.flatMap((view) =>
      view.kind === 'tries' && view.ofReward === (this.view as TriesView).ofReward
        ? [...view.values, view.line?.at ?? 0]
        : [],
    );
    return domainOf(values);
  });

  readonly step: number;
  private readonly heldOut: boolean;
  readonly group: Group;

  constructor(
    { step, group, heldOut }: SteppedGroup,
    private readonly options: UpdateOptions,
  ) {
    this.step = step;
    this.group = group;
    this.heldOut = heldOut;
    this.choices = firstChoices(group, options);
  }

  /** Undefined before the reveal, or where nothing was guessed. */
  wasRight(step: number): boolean | undefined {
    const guess = this.guesses.get(step);
    const question = this.steps[step]?.question;
    return guess === undefined || guess === null || !question
      ? undefined
      : isRight(question, guess);
  }

  answer(guess: number | null): void {
    this.guesses.set(this.at, guess);
  }

  choose(change: Partial<Choices>): void {
    this.choices = { ...this.choices, ...change };
  }

  get score(): { right: number; guessed: number } {
    const outcomes = this.steps.map((_, i) => this.wasRight(i));
    return {
      right: outcomes.filter((outcome) => outcome === true).length,
      guessed: outcomes.filter((outcome) => outcome !== undefined).length,
    };
  }
}
