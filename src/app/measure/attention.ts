/** Causal attention over packed sequences, forward and backward. */
import type { Gpu } from '../../gpu/device.ts';
import { attention, attentionBackward } from '../../gpu/kernels/attention.ts';
import type { Op } from '../../gpu/kernel.ts';
import type { View } from '../../gpu/memory.ts';
import { packBatch, seenKeys } from '../../model/batch.ts';
import { pattern } from './arithmetic.ts';
import type { Bench } from './bench.ts';
import type { Row } from './measurement.ts';
import { opsWork, timeInTurn } from './timing.ts';

interface AttentionShape {
  readonly model: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly sequences: number;
  readonly length: number;
}

const defaultHeads = { model: 'default', heads: 3, kvHeads: 3, headDim: 16 };
const smolHeads = { model: '135M', heads: 9, kvHeads: 3, headDim: 64 };

export const attentionShapes: readonly AttentionShape[] = [
  { ...defaultHeads, sequences: 44, length: 75 },
  { ...smolHeads, sequences: 8, length: 128 },
  { ...smolHeads, sequences: 1, length: 1024 },
  { ...smolHeads, sequences: 4, length: 2048 },
];

/** Two rows: forward and backward. */
export async function attentionRows(bench: Bench, shape: AttentionShape): Promise<Row[]> {
  const { model, heads, kvHeads, headDim, sequences, length } = shape;
  const { gpu } = bench;
  const sizes = `${sequences} x ${length} tokens, ${heads} heads (${kvHeads}) of ${headDim}`;
  const base = { group: 'attention', sizes } as const;
  const pairs = (sequences * length * (length + 1)) / 2;
  const flops = 4 * heads * headDim * pairs;
  const names = [`${model}, forward`, `${model}, backward`];
  const skipped = bench.tooLong('attention', 2 * flops);
  if (skipped) return names.map((name) => ({ ...base, name, skipped }));
  const { ops, views } = prepare(gpu, shape);
  const works = [await opsWork(gpu, ops.forward), await opsWork(gpu, ops.backward)];
  // In this order: the backward reads what the forward wrote.
  for (const work of works) await work.run(1);
  const timed = await timeInTurn(works, bench.budget);
  const rows: Row[] = [];
  const tokens = sequences * length;
  const width = { q: heads * headDim, kv: 2 * kvHeads * headDim };
  for (const [i, one] of timed.entries()) {
    // Forward: q, k, v and o. Backward: these, the gradient of o, and those of q, k and v.
    const numbers = tokens * (i === 0 ? 2 * width.q + width.kv : 4 * width.q + 2 * width.kv);
    rows.push({
      ...base,
      name: names[i]!,
      ...(await bench.numbers(one, (i + 1) * flops, 4 * numbers)),
    });
  }
  bench.setRate('attention', flops / rows[0]!.seconds!);
  for (const work of works) work.free();
  for (const view of views) gpu.release('io', view);
  return rows;
}

function prepare(
  gpu: Gpu,
  { heads, kvHeads, headDim, sequences, length }: AttentionShape,
): { ops: { forward: Op<null>[]; backward: Op<null>[] }; views: View[] } {
  const sequence = Array.from({ length: length + 1 }, () => 0);
  const batch = packBatch(
    Array.from({ length: sequences }, () => ({
      prompt: sequence.slice(0, 1),
      completions: [sequence.slice(1)],
    })),
    'completion',
  );
  const { tokens } = batch;
  const views: View[] = [];
  const put = (data: Float32Array | Uint32Array): View => {
    const view = gpu.allocate('io', data.byteLength, 'attention');
    gpu.upload(view, data);
    views.push(view);
    return view;
  };
  const empty = (count: number): View => put(new Float32Array(count));
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  const row = q + 2 * kv;
  const qkv = put(pattern(tokens * row, 3));
  const spans = put(batch.spans);
  const [o, lse, delta] = [empty(tokens * q), empty(tokens * heads), empty(tokens * heads)];
  const shape = {
    ...{ tokens, heads, kvHeads, headDim, pairs: seenKeys(batch.spans) },
    scale: 1 / Math.sqrt(headDim),
    kOffset: q,
    vOffset: q + kv,
    ...{ spans, o, lse },
  };
  return {
    ops: {
      forward: [
        attention<null>({ ...shape, q: qkv, qStride: row, qOffset: 0, kv: qkv, kvStride: row }),
      ],
      backward: attentionBackward<null>({
        ...shape,
        qkv,
        rowStride: row,
        dO: put(pattern(tokens * q, 4)),
        delta,
        viewEnd: put(batch.viewEnd),
        dQkv: empty(tokens * row),
      }),
    },
    views,
  };
}
