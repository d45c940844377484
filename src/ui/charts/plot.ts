import uPlot from 'uplot';
import { formatCompact, formatShare } from '../format.ts';
import type { ChartSpec, Line } from './specs.ts';
import type { Series } from './smoothing.ts';

/** What a plot tells the page around it: indices of reports. */
export interface PlotEvents {
  onHover(index: number | null): void;
  onSeek(index: number): void;
}

/** The chart's columns as uPlot wants them: steps, then raw and smoothed for every line. */
export function plotData(
  steps: readonly number[],
  raw: readonly Series[],
  smoothed: readonly Series[],
): uPlot.AlignedData {
  const lines = raw.flatMap((series, i) => [series, smoothed[i] ?? series]);
  return [steps, ...lines] as uPlot.AlignedData;
}

/** A chart on a canvas: the raw lines thin, the smoothed ones over them, the playhead on top. */
export class Plot {
  private readonly plot: uPlot;
  private readonly ink: (name: string) => string;
  /** Index of the current report; -1 before the first. */
  private head = -1;
  /** Steps the x-axis spans, however many there are yet. */
  private total = 0;

  constructor(
    private readonly host: HTMLElement,
    private readonly spec: ChartSpec,
    private readonly height: number,
    events: PlotEvents,
  ) {
    this.ink = colourReader(host);
    this.plot = new uPlot(this.options(events), plotData([], spec.lines.map(noValues), []), host);
    this.plot.over.addEventListener('click', () => {
      const index = this.plot.cursor.idx;
      if (typeof index === 'number') events.onSeek(index);
    });
  }

  update(data: uPlot.AlignedData, total: number): void {
    this.total = total;
    this.plot.setData(data);
  }

  moveHead(head: number): void {
    this.head = head;
    this.plot.redraw(false, false);
  }

  /** To the width of its host. */
  resize(): void {
    this.plot.setSize({ width: this.host.clientWidth, height: this.height });
  }

  destroy(): void {
    this.plot.destroy();
  }

  private options(events: PlotEvents): uPlot.Options {
    const lines = { left: this.linesOf('left'), right: this.linesOf('right') };
    const twoScales = lines.right.length > 0;
    return {
      width: Math.max(this.host.clientWidth, 160),
      height: this.height,
      padding: [10, twoScales ? 0 : 14, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: 'run', setSeries: false },
        points: { size: 8 },
      },
      scales: {
        x: { time: false, range: () => [1, Math.max(2, this.total)] },
        left: { range: rangeOf(this.spec, twoScales ? 'above' : 'all') },
        right: { range: rangeOf(this.spec, 'below') },
      },
      axes: [
        this.axis({
          size: 30,
          space: 70,
          grid: { show: false },
          values: (_, splits) =>
            this.total ? splits.map((step, i) => (i === 0 ? `step ${step}` : step)) : [],
          incrs: STEP_INCREMENTS,
        }),
        this.yAxis('left', lines.left, twoScales),
        ...(twoScales ? [this.yAxis('right', lines.right, twoScales)] : []),
      ],
      series: [{}, ...this.spec.lines.flatMap((line) => this.seriesOf(line))],
      hooks: {
        draw: [() => this.drawHead()],
        setCursor: [(u) => events.onHover(u.cursor.idx ?? null)],
      },
    };
  }

  private linesOf(axis: Line['axis']): Line[] {
    return this.spec.lines.filter((line) => line.axis === axis);
  }

  private axis(options: uPlot.Axis): uPlot.Axis {
    const font = `12px ${getComputedStyle(this.host).fontFamily}`;
    return { font, gap: 6, stroke: this.ink('ink-soft'), ticks: { show: false }, ...options };
  }

  private yAxis(scale: Line['axis'], lines: Line[], coloured: boolean): uPlot.Axis {
    const [first] = lines;
    const format = first?.format === formatShare ? formatShare : formatCompact;
    return this.axis({
      scale,
      // Under isolatedModules the const enum has no names, only its values.
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
      side: scale === 'left' ? 3 : 1,
      size: 46,
      space: 42,
      grid: { show: scale === 'left', stroke: this.ink('rule'), width: 1 },
      values: (_, splits) => splits.map(format),
      ...(coloured && first ? { stroke: this.ink(first.colour) } : {}),
    });
  }

  private seriesOf(line: Line): uPlot.Series[] {
    const colour = this.ink(line.colour);
    const shared: uPlot.Series = { scale: line.axis, spanGaps: true, points: { show: false } };
    const smoothed: uPlot.Series = { ...shared, stroke: colour, width: 2.5 };
    if (line.dashed) smoothed.dash = [7, 4];
    return [{ ...shared, stroke: faded(colour), width: 1 }, smoothed];
  }

  /** What lies after the playhead is veiled; a dot marks where each line has got to. */
  private drawHead(): void {
    const { ctx, data, bbox } = this.plot;
    const step = data[0][this.head];
    if (step === undefined) return;
    const x = this.plot.valToPos(step, 'x', true);
    ctx.save();
    ctx.globalAlpha = 0.84;
    ctx.fillStyle = this.ink('sheet');
    ctx.fillRect(x, bbox.top - 8, bbox.left + bbox.width - x + 2, bbox.height + 10);
    ctx.globalAlpha = 1;
    ctx.fillStyle = this.ink('rule-strong');
    ctx.fillRect(x - 0.5 * uPlot.pxRatio, bbox.top, uPlot.pxRatio, bbox.height);
    this.spec.lines.forEach((line, i) => {
      const y = data[2 + 2 * i]?.[this.head];
      if (typeof y !== 'number') return;
      ctx.beginPath();
      ctx.arc(x, this.plot.valToPos(y, line.axis, true), 4.5 * uPlot.pxRatio, 0, 2 * Math.PI);
      ctx.fillStyle = this.ink(line.colour);
      ctx.fill();
      ctx.setLineDash([]);
      ctx.lineWidth = 2 * uPlot.pxRatio;
      ctx.strokeStyle = this.ink('sheet');
      ctx.stroke();
    });
    ctx.restore();
  }
}

/** Steps are whole. */
const STEP_INCREMENTS = [1, 2, 5]
  .flatMap((n) => [0, 1, 2, 3, 4, 5].map((e) => n * 10 ** e))
  .sort((a, b) => a - b);

const noValues = (): Series => [];

/**
 * Room for a scale's lines. Two scales in one chart would each fill it and lie on one another, so
 * the left one keeps to the upper part and the right one to the lower.
 */
function rangeOf(spec: ChartSpec, part: 'all' | 'above' | 'below'): uPlot.Range.Function {
  return (_, min, max) => {
    if (spec.range) return spec.range;
    // uPlot passes null where there is no data, whatever its types say; a scale of nulls is hidden.
    if (!Number.isFinite(min)) return [null, null];
    const low = spec.fromZero ? Math.min(0, min) : min;
    const span = max - low || Math.abs(max) || 1;
    const below = spec.fromZero && low === 0 ? 0 : part === 'above' ? 0.35 : 0.06;
    return [low - below * span, max + (part === 'below' ? 0.35 : 0.06) * span];
  };
}

/** A canvas cannot use custom properties: this resolves them, for the theme of the moment. */
function colourReader(host: HTMLElement): (name: string) => string {
  const cache = new Map<string, string>();
  return (name) => {
    let colour = cache.get(name);
    if (colour === undefined) {
      const probe = host.appendChild(document.createElement('i'));
      probe.style.color = `var(--${name})`;
      colour = getComputedStyle(probe).color;
      probe.remove();
      cache.set(name, colour);
    }
    return colour;
  };
}

/** The same colour at under a third of its strength; computed colours read "rgb(r, g, b)". */
function faded(colour: string): string {
  return colour.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.3)');
}
