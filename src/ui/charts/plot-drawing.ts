/** Draws over uPlot's lines: the playhead, a mark and other runs. */
import uPlot from 'uplot';
import type { AxisName } from './metric-table.ts';
import type { OverlayLine } from './series.ts';
import type { Line } from './specs.ts';

type Ink = (name: string) => string;

export const DASHES = { dashed: [7, 4], dotted: [2, 4] } as const;

/** Fades the part after the playhead, and marks each line there with a dot. */
export function drawHead(plot: uPlot, lines: readonly Line[], head: number, ink: Ink): void {
  const { ctx, data, bbox } = plot;
  const at = data[0][head];
  if (at === undefined) return;
  const x = plot.valToPos(at, 'x', true);
  ctx.save();
  ctx.globalAlpha = 0.84;
  ctx.fillStyle = ink('sheet');
  ctx.fillRect(x, bbox.top - 8, bbox.left + bbox.width - x + 2, bbox.height + 10);
  ctx.globalAlpha = 1;
  ctx.fillStyle = ink('rule-strong');
  ctx.fillRect(x - 0.5 * uPlot.pxRatio, bbox.top, uPlot.pxRatio, bbox.height);
  lines.forEach((line, i) => {
    const y = data[2 + 2 * i]?.[head];
    if (typeof y !== 'number') return;
    ctx.beginPath();
    ctx.arc(x, plot.valToPos(y, line.axis, true), 4.5 * uPlot.pxRatio, 0, 2 * Math.PI);
    ctx.fillStyle = ink(line.colour);
    ctx.fill();
    ctx.setLineDash([]);
    ctx.lineWidth = 2 * uPlot.pxRatio;
    ctx.strokeStyle = ink('sheet');
    ctx.stroke();
  });
  ctx.restore();
}

/** Marks a step with a dashed line from top to bottom. */
export function drawMark(plot: uPlot, index: number, ink: Ink): void {
  const { ctx, data, bbox } = plot;
  const at = data[0][index];
  if (at === undefined) return;
  const x = plot.valToPos(at, 'x', true);
  ctx.save();
  ctx.beginPath();
  ctx.setLineDash([4, 4].map((n) => n * uPlot.pxRatio));
  ctx.lineWidth = 1.5 * uPlot.pxRatio;
  ctx.strokeStyle = ink('down');
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

/** Draws other runs in full, each line with its run's letter at the end. */
export function drawOverlays(
  plot: uPlot,
  lines: readonly OverlayLine[],
  axis: AxisName,
  ink: Ink,
): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 8, bbox.width + 12 * uPlot.pxRatio, bbox.height + 10);
  ctx.clip();
  ctx.lineJoin = 'round';
  for (const line of lines) drawOverlay(plot, line, axis, ink);
  ctx.restore();
}

function drawOverlay(
  plot: uPlot,
  { line, overlay, smoothed }: OverlayLine,
  axis: AxisName,
  ink: Ink,
): void {
  const { ctx } = plot;
  const x = overlay.table.x[axis];
  let left = -Infinity;
  let top = 0;
  ctx.beginPath();
  for (let i = 0; i < smoothed.length; i++) {
    const value = smoothed[i];
    if (typeof value !== 'number') continue;
    const at = plot.valToPos(x[i]!, 'x', true);
    // More than one point to a pixel cannot be seen.
    if (at - left < 1 && i < smoothed.length - 1) continue;
    top = plot.valToPos(value, line.axis, true);
    if (left === -Infinity) ctx.moveTo(at, top);
    else ctx.lineTo(at, top);
    left = at;
  }
  ctx.setLineDash(line.dash ? DASHES[line.dash].map((n) => n * uPlot.pxRatio) : []);
  ctx.lineWidth = 1.75 * uPlot.pxRatio;
  ctx.strokeStyle = ink(overlay.colour);
  ctx.stroke();
  drawLetter(ctx, overlay.letter, left, top, ink(overlay.colour), ink('sheet'));
}

function drawLetter(
  ctx: CanvasRenderingContext2D,
  letter: string,
  x: number,
  y: number,
  colour: string,
  paper: string,
): void {
  const size = 8 * uPlot.pxRatio;
  ctx.beginPath();
  ctx.arc(x, y, size, 0, 2 * Math.PI);
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.font = `600 ${11 * uPlot.pxRatio}px sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.fillStyle = paper;
  ctx.fillText(letter, x, y);
}

/** A canvas cannot use custom properties: this resolves them, for the current theme. */
export function colourReader(host: HTMLElement): Ink {
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
export function faded(colour: string): string {
  return colour.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.3)');
}
