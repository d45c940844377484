import uPlot from 'uplot';
import { formatCompact, formatShare } from '../format.ts';
import type { Series } from './smoothing.ts';
import type { ChartSpec, Line } from './specs.ts';

/** What a plot asks of, and tells, the page around it. */
export interface PlotLinks {
  /** Index of the current report; -1 before the first. */
  head(): number;
  /** Steps the x-axis spans, however many there are yet. */
  total(): number;
  onHover(index: number | null): void;
  onSeek(index: number): void;
}

/** The chart's columns as uPlot wants them: steps, then raw and smoothed for every line. */
export function plotData(
  steps: readonly number[],
  raw: readonly Series[],
  smoothed: readonly Series[],
): uPlot.AlignedData {
  return [
    steps,
    ...raw.flatMap((series, i) => [series, smoothed[i] ?? series]),
  ] as uPlot.AlignedData;
}

/** Draws `spec` into `host`: the raw lines thin, the smoothed ones over them, the playhead on top. */
export function createPlot(
  host: HTMLElement,
  spec: ChartSpec,
  height: number,
  data: uPlot.AlignedData,
  links: PlotLinks,
): uPlot {
  const ink = colourReader(host);
  const font = `12px ${getComputedStyle(host).fontFamily}`;
  const twoAxes = spec.lines.some((line) => line.axis === 'right');
  const yAxis = (side: 'left' | 'right', lines: Line[]): uPlot.Axis => ({
    scale: side,
    side: side === 'left' ? 3 : 1,
    size: 46,
    gap: 6,
    space: 42,
    font,
    stroke: ink(twoAxes ? (lines[0]?.colour ?? 'ink-soft') : 'ink-soft'),
    grid: { show: side === 'left', stroke: ink('rule'), width: 1 },
    ticks: { show: false },
    values: (_, splits) =>
      splits.map(lines[0]?.format === formatShare ? formatShare : formatCompact),
  });
  const sides = (['left', 'right'] as const).map((side) => ({
    side,
    lines: spec.lines.filter((line) => line.axis === side),
  }));
  const plot = new uPlot(
    {
      width: Math.max(host.clientWidth, 160),
      height,
      padding: [10, twoAxes ? 0 : 14, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: 'run', setSeries: false },
        points: { size: 8 },
      },
      scales: {
        x: { time: false, range: () => [1, Math.max(2, links.total())] },
        left: { range: rangeOf(spec, twoAxes ? 'above' : 'all') },
        right: { range: rangeOf(spec, 'below') },
      },
      axes: [
        {
          font,
          size: 30,
          gap: 6,
          space: 70,
          stroke: ink('ink-soft'),
          grid: { show: false },
          ticks: { show: false },
          values: (_, splits) => splits.map((split) => (Number.isInteger(split) ? `${split}` : '')),
        },
        ...sides.filter(({ lines }) => lines.length).map(({ side, lines }) => yAxis(side, lines)),
      ],
      series: [
        {},
        ...spec.lines.flatMap((line): uPlot.Series[] => {
          const shared = { scale: line.axis, spanGaps: true, points: { show: false } };
          return [
            { ...shared, stroke: faded(ink(line.colour)), width: 1 },
            {
              ...shared,
              stroke: ink(line.colour),
              width: 2.5,
              ...(line.dashed ? { dash: [7, 4] } : {}),
            },
          ];
        }),
      ],
      hooks: {
        draw: [(u) => drawHead(u, spec, ink, links.head())],
        setCursor: [(u) => links.onHover(u.cursor.idx ?? null)],
      },
    },
    data,
    host,
  );
  plot.over.addEventListener('click', () => {
    if (typeof plot.cursor.idx === 'number') links.onSeek(plot.cursor.idx);
  });
  return plot;
}

/** What lies after the playhead is veiled; a dot marks where each line has got to. */
function drawHead(u: uPlot, spec: ChartSpec, ink: (name: string) => string, head: number): void {
  const step = u.data[0][head];
  if (step === undefined) return;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const x = u.valToPos(step, 'x', true);
  ctx.save();
  ctx.globalAlpha = 0.84;
  ctx.fillStyle = ink('sheet');
  ctx.fillRect(x, top - 8, left + width - x + 2, height + 10);
  ctx.globalAlpha = 1;
  ctx.fillStyle = ink('rule-strong');
  ctx.fillRect(x - 0.5 * uPlot.pxRatio, top, uPlot.pxRatio, height);
  spec.lines.forEach((line, i) => {
    const y = u.data[2 + 2 * i]?.[head];
    if (typeof y !== 'number') return;
    ctx.beginPath();
    ctx.arc(x, u.valToPos(y, line.axis, true), 4.5 * uPlot.pxRatio, 0, 2 * Math.PI);
    ctx.fillStyle = ink(line.colour);
    ctx.fill();
    ctx.lineWidth = 2 * uPlot.pxRatio;
    ctx.strokeStyle = ink('sheet');
    ctx.stroke();
  });
  ctx.restore();
}

/**
 * Room for a scale's lines. Two scales in one chart would each fill it and lie on one another, so
 * the left one keeps to the upper part and the right one to the lower.
 */
function rangeOf(spec: ChartSpec, part: 'all' | 'above' | 'below'): uPlot.Range.Function {
  return (_, min, max) => {
    if (spec.range) return spec.range;
    // uPlot passes null before there is data, whatever its types say.
    if (!Number.isFinite(min as number | null)) return [0, 1];
    const low = spec.fromZero ? Math.min(0, min) : min;
    const span = max - low || Math.abs(max) || 1;
    const below = spec.fromZero && low === 0 ? 0 : part === 'above' ? 0.35 : 0.06;
    return [low - below * span, max + (part === 'below' ? 0.35 : 0.06) * span];
  };
}

/** A canvas cannot use custom properties: this resolves them for the theme of the moment. */
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
