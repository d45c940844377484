/**
 * Kernels whose rows are shared by teams of invocations. A kernel has one body; the prelude before it
 * defines TEAM, the invocations per row; SIZE, those of a workgroup; and how a team reduces:
 * `team_max`, `team_sum` of a `Sum`, and `team_prefix` (see team-of-many.wgsl and team-prefix.wgsl).
 */
import { foldGrid, type Grid, type Kernel, type Op, type ParamType } from '../kernel.ts';
import { KERNELS_FOR, type KernelVariants } from '../variants.ts';
import many from './team-of-many.wgsl?raw';
import one from './team-of-one.wgsl?raw';
import subgroups from './team-of-subgroups.wgsl?raw';
import prefix from './team-prefix.wgsl?raw';

type Rows = KernelVariants['rows'];

interface Team<P extends Record<string, ParamType>> {
  kernel: Kernel<P>;
  constants: Record<string, number>;
  grid: (rows: number) => Grid;
}

interface TeamOptions {
  /** What each invocation loads at a time, counted over the row: its length, or a quarter of it. */
  loads: number;
  /** With `alone`, rows of at most so many loads have one invocation. */
  longestAlone: number;
  /** The type that `team_sum` adds. */
  sum: 'f32' | 'vec2f' | 'vec4f';
}

/**
 * Invocations per row. On a card 16 is the least, because so many neighbours load whole memory sectors;
 * a larger team does not leave its members more than 16 loads each, up to rows of 4,096 loads.
 */
function teamSize(rows: Rows, { loads, longestAlone }: Omit<TeamOptions, 'sum'>): number {
  if (rows === 'alone') return loads <= longestAlone ? 1 : loads <= 8192 ? 64 : 256;
  if (loads <= 64) return 16;
  return loads <= 1024 ? 64 : 256;
}

/** Builds a kernel for the teams that suit its rows. */
export function teamed<P extends Record<string, ParamType>>(
  kernel: Kernel<P>,
  rows: Rows,
  options: TeamOptions,
): Team<P> {
  const size = teamSize(rows, options);
  // A workgroup of one team is made of whole subgroups. The place of a smaller team is unknown.
  const kind = size === 1 ? 'one' : rows === 'subgroups' && size >= 64 ? 'subgroups' : 'many';
  const prelude = { one, many: many + prefix, subgroups: subgroups + prefix }[kind];
  const enable = kind === 'subgroups' ? 'enable subgroups;\n' : '';
  const rowsPerGroup = size === 1 ? 64 : Math.max(size, 64) / size;
  return {
    kernel: {
      ...kernel,
      name: `${kernel.name} team of ${kind}`,
      code: `${enable}alias Sum = ${options.sum};\n${prelude}${kernel.code}`,
    },
    constants: size === 1 ? {} : { TEAM: size },
    grid: (count) => foldGrid(Math.ceil(count / rowsPerGroup)),
  };
}

/** An op whose launch depends on the variant of row kernels that the device runs. */
export function byRows<D>(launch: (rows: Rows) => Op<D>): Op<D> {
  return { ...launch(KERNELS_FOR.card.rows), lower: ({ rows }) => [launch(rows)] };
}
