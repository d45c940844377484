import type { MetricTable } from './metric-table.ts';
import { Smoothed, type Series } from './smoothing.ts';
import { scaleOf } from './scales.ts';
import type { Line } from './specs.ts';
import type { Overlay } from './view.svelte.ts';

/** A line's numbers. */
export interface Drawn {
  raw: Series;
  smoothed: Series;
}

/** The numbers of a line while its run grows; nothing is computed twice. */
export class LineData {
  private table: MetricTable | undefined;
  private smoothed: Smoothed | undefined;

  constructor(
    private readonly key: string,
    private readonly smoothing: number,
  ) {}

  read(table: MetricTable): Drawn {
    const raw = table.column(this.key);
    if (table !== this.table) this.smoothed = undefined;
    this.table = table;
    if (!raw) return { raw: [], smoothed: [] };
    this.smoothed ??= new Smoothed(table.x.step, raw, this.smoothing);
    return { raw, smoothed: this.smoothed.extend() };
  }
}

/** A line of another run. */
export interface OverlayLine {
  line: Line;
  overlay: Overlay;
  smoothed: Series;
}

/** Whether a metric of another run has the same unit as that of the run on view. */
export function isComparable(overlay: Overlay, key: string): boolean {
  const scale = scaleOf(key);
  if (scale === 'reward') return overlay.sameReward;
  return scale !== 'gold' || overlay.sameGold;
}

/** The lines of other runs; scores of another judge have no place on these axes. */
export function overlayLines(
  overlays: readonly Overlay[],
  lines: readonly Line[],
  smoothing: number,
): OverlayLine[] {
  return overlays.flatMap((overlay) =>
    lines
      .filter((line) => overlay.table.extent(line.key) && isComparable(overlay, line.key))
      .map((line) => {
        const { smoothed } = new LineData(line.key, smoothing).read(overlay.table);
        return { line, overlay, smoothed };
      }),
  );
}

/** The scales ('left', 'right') on which every value is above zero, as a log axis needs. */
export function positiveScales(
  lines: readonly Line[],
  tables: readonly MetricTable[],
): ReadonlySet<Line['axis']> {
  const lowest = (axis: Line['axis']): number =>
    Math.min(
      ...lines
        .filter((line) => line.axis === axis)
        .flatMap((line) => tables.map((table) => table.extent(line.key)?.low.value ?? Infinity)),
    );
  return new Set(
    (['left', 'right'] as const).filter((axis) => lowest(axis) > 0 && lowest(axis) < Infinity),
  );
}
