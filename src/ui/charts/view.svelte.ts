/** What all charts share: how much they smooth, and where the pointer is. */
export class ChartView {
  /** Weight of the past in the moving average, 0 (none) to below 1. */
  smoothing = $state(0.85);
  /** Index of the report under the pointer, in whichever chart it is. */
  hover = $state<number | null>(null);
}
