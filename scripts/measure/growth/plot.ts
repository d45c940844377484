/** Small log-log charts of growth, one row a quantity and one column an axis, as SVG. */
import { exponentsText } from './exponent.ts';

interface Series {
  label: string;
  xs: readonly number[];
  ys: readonly number[];
}

export interface Chart {
  /** Of its row, such as "update, GFLOP". */
  row: string;
  /** Of its column, such as "batch". */
  column: string;
  series: readonly Series[];
}

const WIDTH = 190;
const HEIGHT = 165;
const CAPTION =
  'Beside each name: e of y ~ x^e by least squares over all points (over the last two).';
/** The names of the curves stand above the chart. */
const MARGIN = { left: 46, right: 8, top: 49, bottom: 22 };
const COLOURS = ['#2563eb', '#c2410c', '#15803d'];

export function svg(charts: readonly Chart[]): string {
  const rows = [...new Set(charts.map(({ row }) => row))];
  const columns = [...new Set(charts.map(({ column }) => column))];
  const body = charts.map((chart) => {
    const [x, y] = [columns.indexOf(chart.column) * WIDTH, rows.indexOf(chart.row) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${draw(chart)}</g>`;
  });
  const height = rows.length * HEIGHT + 14;
  const size = `${columns.length * WIDTH} ${height}`;
  const caption = `<text x="${MARGIN.left}" y="${height - 5}">${CAPTION}</text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" font-family="sans-serif" ` +
    `font-size="9" fill="#444"><rect width="100%" height="100%" fill="#fff"/>\n${body.join('\n')}\n${caption}\n</svg>\n`
  );
}

function draw({ row, column, series }: Chart): string {
  const xs = scale(
    series.flatMap((one) => one.xs),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const ys = scale(
    series.flatMap((one) => one.ys),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const text = (x: number, y: number, anchor: string, what: string, fill = '#444'): string =>
    `<text x="${x}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${fill}">${what}</text>`;
  const lines = series.map(({ label, xs: x, ys: y }, i) => {
    const points = x.map((value, at) => `${xs.at(value).toFixed(1)},${ys.at(y[at]!).toFixed(1)}`);
    const colour = COLOURS[i]!;
    return (
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>` +
      text(MARGIN.left + 4, 24 + 10 * i, 'start', `${label} ${exponentsText(x, y)}`, colour)
    );
  });
  return [
    text(WIDTH / 2, 12, 'middle', `${row}, by ${column}`),
    `<path d="M${MARGIN.left} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}H${WIDTH - MARGIN.right}" fill="none" stroke="#999"/>`,
    text(xs.at(xs.low), HEIGHT - 10, 'start', short(xs.low)),
    text(xs.at(xs.high), HEIGHT - 10, 'end', short(xs.high)),
    ...[ys.low, ys.high].map((value) =>
      text(MARGIN.left - 4, ys.at(value) + 3, 'end', short(value)),
    ),
    ...lines,
  ].join('');
}

interface Scale {
  low: number;
  high: number;
  at: (value: number) => number;
}

function scale(values: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  // A flat line lies in the middle.
  const range = Math.log(high / low) || 1;
  const shift = high === low ? 0.5 : 0;
  return { low, high, at: (value) => from + (to - from) * (shift + Math.log(value / low) / range) };
}

const short = (value: number): string =>
  Number.isInteger(value) ? String(value) : Number(value.toPrecision(3)).toString();
