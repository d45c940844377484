/** What limits.json says, as a table. */
import { madeLine, type Made } from '../made.ts';
import { FAMILIES } from './families.ts';
import { LEAST_BINDING, type Bits } from './limits.ts';

export const BITS: readonly Bits[] = ['f16', 'int8', 'int4'];

export interface Limit {
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

export interface Limits {
  made: Made;
  limits: Limit[];
}

/** By storage, the last model of which 320 tokens of four completions fit. */
function largest(limits: readonly Limit[], memory: number): string {
  return BITS.flatMap((bits) => {
    const fit = limits.filter(
      (one) =>
        one.bits === bits &&
        one.memory === memory &&
        one.maxBinding !== LEAST_BINDING &&
        one.group === 4 &&
        one.longest !== null,
    );
    const last = fit.at(-1);
    return last ? [`${last.model} in ${bits} (${last.longest} tokens)`] : [];
  }).join(', ');
}

export function limitsTable({ made, limits }: Limits): string {
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
  const memories = [...new Set(limits.map(({ memory }) => memory))];
  return `${[
    'The longest context (tokens of prompt and completion, 256 of them prompt) of GRPO with an adapter of',
    'rank 16 on all projections, gradient_checkpointing, and one prompt a batch with 8 or 4 completions.',
    'Weights of the layers in f16, int8 or int4; embedding and head in f16; 90% of the card is used.',
    '-: not even 320 tokens fit. No buffer is larger than 2 GiB - 4 bytes; *: than 128 MiB, the least that',
    'WebGPU guarantees.',
    madeLine(made),
    '',
    row(['', '', ...heading]),
    ...rows,
    '',
    'The largest of these models that fit, with four completions and buffers of 2 GiB:',
    ...memories.map((memory) => `${memory} GB: ${largest(limits, memory)}`),
  ].join('\n')}\n`;
}
