/** What llama-8b.json says of the largest model, in sentences. */
import { driverOf } from '../trl/table.ts';
import type { Result } from './result.ts';

export function llamaText(results: readonly Result[]): string {
  const { made, adapter, kernels, parameters, group, completion, plan, device, ...rest } =
    results.at(-1)!;
  const { largest, maxBinding, peak, processorSeconds } = rest;
  const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  const total = (ledger: typeof plan): number => sum(Object.values(ledger));
  return `${[
    `llama-8b: ${parameters.toLocaleString('en')} random weights in int4 and an adapter, ${group} completions of ${completion} tokens,`,
    `on ${driverOf(adapter)} with the ${kernels.matmul} kernels. Planned ${gb(total(plan))}, on the device ${gb(total(device))}; the process took`,
    `${gb(peak.step)} at most; the largest buffer has ${largest.toLocaleString('en')} bytes, and this driver binds ${maxBinding.toLocaleString('en')}. Opening took`,
    `${processorSeconds.opening.toFixed(0)} s of the processor's cores together, and the step ${processorSeconds.step.toFixed(0)} s. Measured on ${made.date}.`,
  ].join('\n')}\n`;
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
