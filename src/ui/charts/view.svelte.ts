import type { AxisName, MetricTable } from './metric-table.ts';

/** Another run, drawn over the one on view. */
export interface Overlay {
  id: string;
  /** Marks the end of its lines, so that runs differ by more than their colour. */
  letter: string;
  label: string;
  /** A colour of tokens.css, without the dashes. */
  colour: string;
  table: MetricTable;
  /** Whether it was trained for the same reward as the run on view, and is watched by the same gold. */
  sameReward: boolean;
  sameGold: boolean;
}

/** What all charts share: their style, the runs drawn over them, and where the pointer is. */
export class ChartView {
  /** Weight of the past in the moving average, 0 (none) to below 1. */
  smoothing = $state(0.85);
  axis = $state<AxisName>('step');
  /** Logarithmic y-axes, where all values are above zero. */
  log = $state(false);
  /** Index of the report under the pointer, in any chart. */
  hover = $state<number | null>(null);
  readonly overlays: readonly Overlay[] = $derived.by(() => this.chosen());

  constructor(private readonly chosen: () => readonly Overlay[] = () => []) {}
}
