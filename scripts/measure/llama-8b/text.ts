/** What llama-8b.json says of the largest model, in sentences. */
import { heldBytes } from '../../../src/gpu/memory.ts';
import { driverOf, kernelsName } from '../made.ts';
import type { Result } from './result.ts';

export function llamaText(results: readonly Result[]): string {
  const { made, adapter, kernels, parameters, group, completion, plan, device, ...rest } =
    results.at(-1)!;
  const { largest, maxBinding, peak, processorSeconds } = rest;
  const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  return `${[
    `llama-8b: ${parameters.toLocaleString('en')} random weights in int4 and an adapter, ${group} completions of ${completion} tokens,`,
    `on ${driverOf(adapter)} with the ${kernelsName(kernels)} kernels. Planned ${gb(heldBytes(plan))}, on the device ${gb(heldBytes(device))}; the process took`,
    `${gb(peak.step)} at most; the largest buffer has ${largest.toLocaleString('en')} bytes, and this driver binds ${maxBinding.toLocaleString('en')}. Opening took`,
    `${processorSeconds.opening.toFixed(0)} s of the processor's cores together, and the step ${processorSeconds.step.toFixed(0)} s. Measured on ${made.date}.`,
  ].join('\n')}\n`;
}
