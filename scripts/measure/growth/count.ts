/** What a point costs, counted from its planned programs without a device. */
import type { Op } from '../../../src/gpu/kernel.ts';
import { MemoryPlan, type Lifetime } from '../../../src/gpu/memory.ts';
import { storageBytes } from '../../../src/gpu/storage.ts';
import { batchDims, batchOf, decodeDims, planStep } from './programs.ts';
import type { Point } from './points.ts';

interface ProgramCount {
  launches: number;
  /** Floating-point operations of matrix products and attention, recomputation included. */
  flops: number;
  /** Of these, attention. */
  attention: number;
  /** Bytes that move if each launch moves the numbers that it needs once. */
  bytes: number;
}

export interface Counted {
  /** Forward and backward pass of one step's completions. */
  update: ProgramCount;
  /** One token of every sequence, at the end of the completions. */
  decode: ProgramCount;
  /** Bytes by lifetime. */
  memory: Record<Lifetime, number>;
  /** The same with gradient_checkpointing. */
  recomputed: Record<Lifetime, number>;
}

export function count(point: Point): Counted {
  const plan = new MemoryPlan(Infinity);
  const { forward, backward, decode } = planStep(plan, point, false);
  const less = new MemoryPlan(Infinity);
  planStep(less, point, true);
  return {
    update: countProgram([...forward, ...backward], batchDims(batchOf(point))),
    decode: countProgram(decode, decodeDims(point)),
    memory: plan.ledger,
    recomputed: less.ledger,
  };
}

function countProgram<D>(ops: readonly Op<D>[], dims: D): ProgramCount {
  const total = { launches: 0, flops: 0, attention: 0, bytes: 0 };
  for (const op of ops) {
    const [x, y = 1, z = 1] = op.grid(dims);
    if (x * y * z === 0) continue;
    const flops = op.flops?.(dims) ?? 0;
    total.launches++;
    total.flops += flops;
    if (op.kernel.name.startsWith('attention')) total.attention += flops;
    total.bytes += bytesOf(op, dims);
  }
  return total;
}

/** A workgroup of a kernel that picks rows of a table moves no more. */
const BYTES_PER_WORKGROUP = 2 ** 15;

function bytesOf<D>(op: Op<D>, dims: D): number {
  if (op.kernel.name.startsWith('matmul ')) return matmulBytes(op, dims);
  const bound = op.bindings.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (!/gather|kv-store/.test(op.kernel.name)) return bound;
  const [x, y = 1, z = 1] = op.grid(dims);
  return Math.min(bound, x * y * z * BYTES_PER_WORKGROUP);
}

/** A matmul may bind a table of which it reads some rows, so its own sizes count. */
function matmulBytes<D>(op: Op<D>, dims: D): number {
  const values = op.params(dims);
  const names = Object.keys(op.kernel.params);
  const [m, n, k0, k1] = ['m', 'n', 'k0', 'k1'].map((name) => values[names.indexOf(name)] ?? 0);
  const weights = op.bindings[3]!;
  const width = storageBytes(('storage' in weights && weights.storage) || 'f32', 32) / 32;
  return 4 * m! * (n! + k0! + k1!) + width * n! * k0! + 4 * n! * k1!;
}
