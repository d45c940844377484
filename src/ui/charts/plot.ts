import uPlot from 'uplot';
import { formatCompact, formatShare } from '../format.ts';
import { AXES, axisRange, valueRange } from './axes.ts';
import { colourReader, DASHES, drawHead, drawMark, drawOverlays, faded } from './plot-drawing.ts';
import type { AxisName } from './metric-table.ts';
import type { Drawn, OverlayLine } from './series.ts';
import type { ChartSpec, Line } from './specs.ts';

/** What a plot tells the page around it: indices of reports. */
interface PlotEvents {
  onHover(index: number | null): void;
  onSeek(index: number): void;
}

interface PlotStyle {
  height: number;
  axis: AxisName;
  /** The scales with a logarithmic axis. */
  log: ReadonlySet<Line['axis']>;
}

const FONT_SIZE = 12;
/** CSS pixels between the chart and the labels of an axis. */
const GAP = 6;
/** CSS pixels of most y-axes; the same for all, so that charts above each other are aligned. */
const USUAL_SIZE = 46;

/** The chart's columns as uPlot takes them: x, then raw and smoothed for every line. */
function plotData(x: readonly number[], lines: readonly Drawn[]): uPlot.AlignedData {
  return [x, ...lines.flatMap(({ raw, smoothed }) => [raw, smoothed])] as uPlot.AlignedData;
}

/** A chart on a canvas: the raw lines thin, the smoothed ones over them, the playhead on top. */
export class Plot {
  private readonly plot: uPlot;
  private readonly ink: (name: string) => string;
  /** Index of the current report; -1 before the first. */
  private head = -1;
  /** Steps that the x-axis spans, reached or not. */
  private total = 0;
  private overlays: readonly OverlayLine[] = [];
  /** Index of a report to mark; -1 for none. */
  private mark = -1;

  constructor(
    private readonly host: HTMLElement,
    private readonly spec: ChartSpec,
    private readonly style: PlotStyle,
    events: PlotEvents,
  ) {
    this.ink = colourReader(host);
    const nothing = spec.lines.map((): Drawn => ({ raw: [], smoothed: [] }));
    this.plot = new uPlot(this.options(events), plotData([], nothing), host);
    this.plot.over.addEventListener('click', () => {
      const index = this.plot.cursor.idx;
      if (typeof index === 'number') events.onSeek(index);
    });
  }

  update(
    x: readonly number[],
    lines: readonly Drawn[],
    total: number,
    overlays: readonly OverlayLine[],
    mark: number,
  ): void {
    this.total = total;
    this.overlays = overlays;
    this.mark = mark;
    this.plot.setData(plotData(x, lines));
  }

  moveHead(head: number): void {
    this.head = head;
    this.plot.redraw(false, false);
  }

  /** Fits the width of its host. */
  resize(): void {
    this.plot.setSize({ width: this.host.clientWidth, height: this.style.height });
  }

  destroy(): void {
    this.plot.destroy();
  }

  private options(events: PlotEvents): uPlot.Options {
    const { axis } = this.style;
    const right = this.linesOf('right');
    return {
      width: Math.max(this.host.clientWidth, 160),
      height: this.style.height,
      padding: [10, right.length ? 0 : 14, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: 'run', setSeries: false },
        points: { size: 8 },
      },
      scales: {
        x: {
          time: false,
          range: (u) => axisRange(axis, this.firstX(u), this.lastX(u), this.total),
        },
        left: this.scale('left', right.length ? 'above' : 'all'),
        right: this.scale('right', 'below'),
      },
      axes: [
        this.axis({
          size: 30,
          space: axis === 'time' ? 90 : 70,
          grid: { show: false },
          values: (u, splits) =>
            u.data[0].length || this.total
              ? splits.map((value, i) => AXES[axis].tick(value, i === 0))
              : [],
          incrs: AXES[axis].increments,
        }),
        this.yAxis('left', this.linesOf('left'), right.length > 0),
        ...(right.length ? [this.yAxis('right', right, true)] : []),
      ],
      series: [{}, ...this.spec.lines.flatMap((line) => this.seriesOf(line))],
      hooks: {
        draw: [
          (u) => {
            drawHead(u, this.spec.lines, this.head, this.ink);
            drawMark(u, this.mark, this.ink);
            drawOverlays(u, this.overlays, axis, this.ink);
          },
        ],
        setCursor: [(u) => events.onHover(u.cursor.idx ?? null)],
      },
    };
  }

  private linesOf(axis: Line['axis']): Line[] {
    return this.spec.lines.filter((line) => line.axis === axis);
  }

  private firstX(plot: uPlot): number {
    const own = plot.data[0][0] ?? 1;
    const { axis } = this.style;
    return Math.min(own, ...this.overlays.map(({ overlay }) => overlay.table.x[axis][0] ?? 1));
  }

  private lastX(plot: uPlot): number {
    const own = plot.data[0].at(-1) ?? 0;
    const { axis } = this.style;
    return Math.max(own, ...this.overlays.map(({ overlay }) => overlay.table.x[axis].at(-1) ?? 0));
  }

  private scale(name: Line['axis'], part: 'all' | 'above' | 'below'): uPlot.Scale {
    const log = this.style.log.has(name);
    const room = { log, fromZero: this.spec.fromZero ?? false, part };
    return {
      // 1 linear, 3 logarithmic.
      distr: log ? 3 : 1,
      range: (_, min, max) => {
        if (this.spec.range && !log) return this.spec.range;
        const [low, high] = this.withOverlays(name, min, max);
        // uPlot passes null where there is no data, whatever its types say; a scale of nulls is hidden.
        return Number.isFinite(low) ? valueRange(low, high, room) : [null, null];
      },
    };
  }

  /** uPlot knows only the extent of the run on view. */
  private withOverlays(name: Line['axis'], min: number, max: number): [number, number] {
    const extents = this.overlays
      .filter(({ line }) => line.axis === name)
      .map(({ line, overlay }) => overlay.table.extent(line.key)!);
    const own = Number.isFinite(min);
    return [
      Math.min(own ? min : Infinity, ...extents.map(({ low }) => low.value)),
      Math.max(own ? max : -Infinity, ...extents.map(({ high }) => high.value)),
    ];
  }

  private axis(options: uPlot.Axis): uPlot.Axis {
    const font = `${FONT_SIZE}px ${this.fontFamily}`;
    return { font, gap: GAP, stroke: this.ink('ink-soft'), ticks: { show: false }, ...options };
  }

  private get fontFamily(): string {
    return getComputedStyle(this.host).fontFamily;
  }

  /** CSS pixels that the longest of the labels takes. */
  private widthOf(labels: readonly string[], { ctx }: uPlot): number {
    ctx.save();
    ctx.font = `${FONT_SIZE * uPlot.pxRatio}px ${this.fontFamily}`;
    const widths = labels.map((label) => ctx.measureText(label).width / uPlot.pxRatio);
    ctx.restore();
    return Math.max(0, ...widths);
  }

  private yAxis(scale: Line['axis'], lines: Line[], coloured: boolean): uPlot.Axis {
    const [first] = lines;
    const format = first?.format === formatShare ? formatShare : formatCompact;
    return this.axis({
      scale,
      // Sides count clockwise from the top.
      side: scale === 'left' ? 3 : 1,
      // uPlot passes null before there are labels, whatever its types say.
      size: (u, labels: string[] | null) =>
        Math.max(USUAL_SIZE, Math.ceil(GAP + this.widthOf(labels ?? [], u))),
      space: this.style.log.has(scale) ? 24 : 42,
      grid: { show: scale === 'left', stroke: this.ink('rule'), width: 1 },
      // On a log axis uPlot passes null for splits that would crowd it; its ends are not round numbers.
      values: (_, splits) =>
        (splits as (number | null)[]).map((value) =>
          value === null || (this.style.log.has(scale) && !isRound(value)) ? '' : format(value),
        ),
      ...(coloured && first ? { stroke: this.ink(first.colour) } : {}),
    });
  }

  private seriesOf(line: Line): uPlot.Series[] {
    const colour = this.ink(line.colour);
    const shared: uPlot.Series = { scale: line.axis, spanGaps: true };
    const raw: uPlot.Series = { ...shared, stroke: faded(colour), width: 1 };
    const smoothed: uPlot.Series = { ...shared, stroke: colour, width: 2.5 };
    if (line.dash) smoothed.dash = [...DASHES[line.dash]];
    // The few values of a sparse metric are dots; uPlot's own rule depends on the distance in pixels.
    raw.points = { show: (u, index) => isSparse(u.data[index]), size: 6, fill: colour };
    smoothed.points = { show: false };
    return [raw, smoothed];
  }
}

/** One significant digit. */
const isRound = (value: number): boolean =>
  Number(value.toPrecision(1)) === Number(value.toPrecision(6));

/** Whether fewer than half of the last rows have a value. */
function isSparse(series: ArrayLike<number | null | undefined> | undefined): boolean {
  if (!series) return false;
  const begin = Math.max(0, series.length - 64);
  let count = 0;
  for (let i = begin; i < series.length; i++) if (typeof series[i] === 'number') count++;
  return 2 * count < series.length - begin;
}
