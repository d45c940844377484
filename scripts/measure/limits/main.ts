/**
 * The longest context with which GRPO trains an adapter on 8, 16 and 24 GB of card memory, by planning;
 * writes results/scaling/limits.json and limits.txt. It needs no device, and takes about 5 minutes.
 *   node scripts/measure.mjs limits
 */
import { writeFileSync } from 'node:fs';
import { FAMILIES } from './families.ts';
import { LEAST_BINDING, longest, USUAL_BINDING, type Bits } from './limits.ts';

const MEMORIES = [8, 16, 24];
const GROUPS = [8, 4];
const BITS: readonly Bits[] = ['f16', 'int8', 'int4'];

interface Limit {
  model: string;
  bits: Bits;
  /** Bytes. */
  maxBinding: number;
  /** Of the card, in GB. */
  memory: number;
  group: number;
  /** Tokens of prompt and completion; null: no 320 tokens fit. */
  longest: number | null;
}

const limits: Limit[] = [];
for (const maxBinding of [USUAL_BINDING, LEAST_BINDING]) {
  for (const [model, config] of Object.entries(FAMILIES)) {
    for (const bits of BITS) {
      for (const memory of maxBinding === USUAL_BINDING ? MEMORIES : MEMORIES.slice(-1)) {
        for (const group of GROUPS) {
          const found = longest({ config, bits, group, memory: memory * 1e9, maxBinding });
          limits.push({ model, bits, maxBinding, memory, group, longest: found ?? null });
        }
      }
    }
    console.error(model);
  }
}
writeFileSync('results/scaling/limits.json', `${JSON.stringify(limits, null, 1)}\n`);
writeFileSync('results/scaling/limits.txt', table());
console.log(table());

function table(): string {
  const columns = limits.filter(({ model, bits }) => model === 'SmolLM2 135M' && bits === 'f16');
  const heading = columns.map(
    ({ memory, group, maxBinding }) =>
      `${memory} GB x${group}${maxBinding === LEAST_BINDING ? ' *' : ''}`,
  );
  const row = (cells: readonly string[]): string =>
    cells[0]!.padEnd(14) +
    cells[1]!.padEnd(6) +
    cells
      .slice(2)
      .map((c) => c.padStart(11))
      .join('');
  const rows = Object.keys(FAMILIES).flatMap((model) =>
    BITS.map((bits) => {
      const own = limits.filter((one) => one.model === model && one.bits === bits);
      return row([model, bits, ...own.map((one) => String(one.longest ?? '-'))]);
    }),
  );
  return `${[
    'The longest context (tokens of prompt and completion, 256 of them prompt) of GRPO with an adapter of',
    'rank 16 on all projections, gradient_checkpointing, and one prompt a batch with 8 or 4 completions.',
    'Weights of the layers in f16, int8 or int4; embedding and head in f16; 90% of the card is used.',
    '-: not even 320 tokens fit. No buffer is larger than 2 GiB - 4 bytes; *: than 128 MiB, the least that',
    'WebGPU guarantees.',
    '',
    row(['', '', ...heading]),
    ...rows,
  ].join('\n')}\n`;
}
