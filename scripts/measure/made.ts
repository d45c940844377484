/** What made a file of results/scaling; it stands in the file. */
import { basename, dirname, isAbsolute } from 'node:path';
import { commit } from '../../src/cli/commit.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { KernelVariants } from '../../src/gpu/variants.ts';
import { root } from '../install.mjs';

export interface Made {
  command: string;
  /** The day, as 2026-11-29. */
  date: string;
  /** Of the source that ran; see commit.ts. */
  commit: string | null;
}

/** This process, a scripts/measure/NAME/main.ts. Paths of the machine are left out. */
export function made(): Made {
  const [, main, ...options] = process.argv;
  const name = basename(dirname(main!));
  const words = options.map((word) => (isAbsolute(word) ? 'PATH' : word));
  return {
    command: ['node scripts/measure.mjs', name, ...words].join(' '),
    date: new Date().toISOString().slice(0, 10),
    commit: commit(root),
  };
}

export function madeLine({ command, date, commit }: Made): string {
  return `Made by ${command}, on ${date}, at commit ${commit ?? 'unknown'}.`;
}

/** The adapter and its driver, in one line. */
export function adapterOf({ info }: Gpu): string {
  const { vendor, architecture, device, description } = info;
  return [vendor, architecture, device, description].filter(Boolean).join(' ');
}

/** As PONDER_KERNELS names them. */
export function kernelsName({ matmul }: KernelVariants): string {
  return matmul === 'blocked' ? 'card' : matmul;
}

/** The driver of an adapter, as people call it. */
export function driverOf(adapter: string): string {
  const [, mesa] = /llvmpipe: Mesa (\S+)/.exec(adapter) ?? [];
  if (mesa !== undefined) return `lavapipe of Mesa ${mesa}`;
  return /swiftshader/i.test(adapter) ? 'SwiftShader' : adapter;
}
