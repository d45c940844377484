import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');
const THEMES = ['light', 'dark'] as const;

/** By name, in the order of THEMES. */
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(
    ([, name, light, dark]) => [name!, [light!, dark!]] as const,
  ),
);

function linear(hex: string): number[] {
  return [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

/** Oklab (Ottosson, 2020): in it, distances are near those that people see. */
function oklab(hex: string): number[] {
  const times = (matrix: number[][], vector: number[]): number[] =>
    matrix.map((row) => row.reduce((sum, weight, i) => sum + weight * vector[i]!, 0));
  const cones = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    linear(hex),
  ).map(Math.cbrt);
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  );
}

const distance = (a: string, b: string): number => {
  const other = oklab(b);
  return Math.hypot(...oklab(a).map((value, i) => value - other[i]!));
};

const luminance = (hex: string): number => {
  const [red, green, blue] = linear(hex) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

const contrast = (a: string, b: string): number => {
  const [low, high] = [luminance(a), luminance(b)].sort((one, two) => one - two) as [
    number,
    number,
  ];
  return (high + 0.05) / (low + 0.05);
};

const names = (pattern: RegExp): string[] =>
  [...colours.keys()].filter((name) => pattern.test(name));
const RUNS = names(/^run-\d$/);

describe.each(THEMES)('in %s', (theme) => {
  const of = (name: string): string => colours.get(name)![THEMES.indexOf(theme)]!;

  it('a run that is drawn over the others has the colour of no reward, and not that of gold', () => {
    expect(RUNS.length).toBeGreaterThan(1);
    for (const run of RUNS) {
      for (const score of names(/^(reward(-\d)?|gold)$/)) {
        expect(distance(of(run), of(score)), `${run} and ${score}`).toBeGreaterThan(0.085);
      }
    }
  });

  it('runs differ from each other, and can be read', () => {
    for (const [i, run] of RUNS.entries()) {
      expect(contrast(of(run), of('sheet')), run).toBeGreaterThan(4.5);
      for (const other of RUNS.slice(i + 1)) {
        expect(distance(of(run), of(other)), `${run} and ${other}`).toBeGreaterThan(0.09);
      }
    }
  });
});
