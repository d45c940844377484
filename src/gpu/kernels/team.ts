/**
 * Kernels that reduce rows (softmax, sample) have two builds of one body: one invocation per row
 * for short rows, a team of invocations per row for long rows. The body calls `team_max`,
 * `team_sum` and `team_prefix`, which the prelude of the build defines; see team-of-many.wgsl.
 */
import { foldGrid, type Grid, type Kernel } from '../kernel.ts';
import many from './team-of-many.wgsl?raw';
import one from './team-of-one.wgsl?raw';

export interface Team<K extends Kernel> {
  kernel: K;
  constants: Record<string, number>;
  grid: (rows: number) => Grid;
}

/** Invocations per row for rows of `cols`. */
export function teamSize(cols: number): number {
  if (cols <= 1024) return 1;
  return cols <= 8192 ? 64 : 256;
}

/** Makes both builds of a kernel; the result picks one by the length of the rows. */
export function teamed<K extends Kernel>(kernel: K): (cols: number) => Team<K> {
  const short = { ...kernel, name: `${kernel.name}-short`, code: one + kernel.code };
  const long = { ...kernel, code: many + kernel.code };
  return (cols) => {
    const team = teamSize(cols);
    const rowsPerGroup = team === 1 ? 64 : Math.max(team, 64) / team;
    const constants: Record<string, number> = team === 1 ? {} : { TEAM: team };
    return {
      kernel: team === 1 ? short : long,
      constants,
      grid: (rows) => foldGrid(Math.ceil(rows / rowsPerGroup)),
    };
  };
}
