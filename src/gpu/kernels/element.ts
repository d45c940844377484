/** How many numbers an invocation loads at a time. */
import type { Kernel, ParamType } from '../kernel.ts';

interface Element {
  width: 1 | 4;
  /**
   * The kernel, which counts in Elements, after what it needs: `Element`, WIDTH; the places of an
   * Element's numbers in the row, and the number at a place; their total and the largest.
   */
  load: <P extends Record<string, ParamType>>(kernel: Kernel<P>) => Kernel<P>;
}

/** Four numbers at a time where all `sizes` and offsets are multiples of four, or else one. */
export function elementOf(...sizes: number[]): Element {
  const width = sizes.every((size) => size % 4 === 0) ? 4 : 1;
  return {
    width,
    load: (kernel) => ({
      ...kernel,
      name: `${kernel.name} ${width}`,
      code: `const WIDTH = ${width}u;\n${width === 4 ? FOUR : ONE}${kernel.code}`,
    }),
  };
}

const FOUR = `alias Element = vec4f;
alias Places = vec4u;
alias Integers = vec4i;
fn places(i: u32) -> Places { return 4u * i + vec4u(0u, 1u, 2u, 3u); }
fn number(x: Element, place: u32) -> f32 { return x[place % 4u]; }
fn total(x: Element) -> f32 { return dot(x, vec4f(1.0)); }
fn largest(x: Element) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
`;

const ONE = `alias Element = f32;
alias Places = u32;
alias Integers = i32;
fn places(i: u32) -> Places { return i; }
fn number(x: Element, place: u32) -> f32 { return x; }
fn total(x: Element) -> f32 { return x; }
fn largest(x: Element) -> f32 { return x; }
`;
