import type { Group } from '../../rl/report.ts';
import type { UpdateOptions } from '../stepper/update-options.ts';
import { available, type Quantity } from './quantities.ts';
import {
  hasAfter,
  isWhole,
  ownTerms,
  updateOf,
  type GroupUpdate,
  type Terms,
  type TokenNumbers,
} from './what-if.ts';

/** Index of a try, and of its token. */
export type Place = readonly [number, number];

/** What the visitor looks at in a group, and under which terms. */
export class Inspector {
  /** The terms that differ from the run's own. */
  private changes = $state.raw<Partial<Terms>>({});
  private chosenToken = $state.raw<Place>();
  /** The id of the quantity that colours the tokens. */
  colour = $state('push');

  readonly own: Terms = $derived.by(() => ownTerms(this.options()));
  readonly terms: Terms = $derived.by(() => {
    const group = this.group();
    const terms = { ...this.own, ...this.changes };
    return { ...terms, second: terms.second && group !== undefined && hasAfter(group) };
  });
  readonly isChanged: boolean = $derived(Object.keys(this.changes).length > 0);
  /** Absent where the algorithm has no such terms, or the group no numbers of tokens. */
  readonly update: GroupUpdate | undefined = $derived.by(() => {
    const group = this.group();
    if (!group || this.options().algorithm !== 'grpo' || !isWhole(group)) return undefined;
    return updateOf(group, this.terms);
  });
  /** What can colour the tokens. */
  readonly shown: readonly Quantity[] = $derived.by(() => {
    const group = this.group();
    if (!group) return [];
    const { update } = this;
    const recorded = available(group.samples);
    if (!update) return recorded;
    // The advantage follows the terms, too.
    const others = recorded.filter(({ id }) => id !== 'advantage');
    return [...ofUpdate(group, update, this.terms), ...others];
  });
  readonly quantity: Quantity | undefined = $derived(
    this.shown.find(({ id }) => id === this.colour) ?? this.shown[0],
  );
  /** The token whose way from reward to gradient is shown: at first the one that is pushed most. */
  readonly token: Place = $derived.by(() => {
    const tries = this.update?.tokens ?? [];
    const [sample, token] = this.chosenToken ?? [-1, -1];
    if (tries[sample]?.[token]) return [sample, token];
    const places = tries.flatMap((tokens, i) => tokens.map((_, t): Place => [i, t]));
    const size = ([i, t]: Place): number => Math.abs(tries[i]![t]!.push);
    return places.reduce((most, place) => (size(place) > size(most) ? place : most), [0, 0]);
  });

  constructor(
    readonly group: () => Group | undefined,
    readonly options: () => UpdateOptions,
  ) {}

  choose(place: Place): void {
    this.chosenToken = place;
  }

  change(change: Partial<Terms>): void {
    const changes = { ...this.changes, ...change };
    const differs = Object.entries(changes).filter(
      ([key, value]) => value !== this.own[key as keyof Terms],
    );
    this.changes = Object.fromEntries(differs);
  }

  reset(): void {
    this.changes = {};
  }
}

/** Numbers of an update that change with its terms. */
function ofUpdate(group: Group, update: GroupUpdate, { second }: Terms): Quantity[] {
  const column =
    (read: (token: TokenNumbers) => number): Quantity['of'] =>
    (_, sample) =>
      update.tokens[group.samples.indexOf(sample)]?.map(read);
  return [
    {
      id: 'push',
      label: 'Push by the update',
      note: 'Which way the update pushes the log-prob of a token (the logarithm of its probability), and how hard: minus the slope of the loss. It follows the terms above.',
      kind: 'diverging',
      digits: 4,
      of: column(({ push }) => push),
    },
    {
      id: 'advantage',
      label: 'Advantage',
      note: 'How much better a try is than its group. GRPO gives all tokens of a try the same advantage.',
      kind: 'diverging',
      digits: 2,
      of: column(({ advantage }) => advantage),
    },
    ...(second
      ? [
          {
            id: 'ratio',
            label: 'Ratio, minus 1',
            note: 'How much likelier the token is now than when it was written: +0.10 is 1.10 times as likely.',
            kind: 'diverging',
            digits: 3,
            of: column(({ ratio }) => ratio - 1),
          } as const,
        ]
      : []),
  ];
}
