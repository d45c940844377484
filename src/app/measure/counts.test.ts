import { expect, it } from 'vitest';
import { openNodeGpu } from '../../gpu/node.ts';
import { emptyLedger, heldBytes } from '../../gpu/memory.ts';
import { Counter } from './counts.ts';

it('counts from its making on, for each of the steps', () => {
  const counters = { dispatches: 100, submits: 50, readbacks: 10, flops: 1000 };
  const gpus = [1, 2].map(() => ({
    counters: { ...counters },
    ledger: emptyLedger(),
    peakBytes: 7,
  }));
  const counter = new Counter(gpus);
  for (const gpu of gpus) {
    gpu.counters.dispatches += 6;
    gpu.counters.submits += 4;
    gpu.counters.readbacks += 2;
    gpu.counters.flops += 500;
  }
  expect(counter.flops).toBe(1000);
  expect(counter.perStep(2)).toEqual({ dispatches: 6, submits: 4, readbacks: 2, peakBytes: 0 });
});

it('knows the peak of the memory in a step, without what others hold', async () => {
  const gpu = await openNodeGpu();
  const others = gpu.allocate('io', 1 << 20, 'others');
  const weights = gpu.allocate('weights', 4096, 'weights');
  const counter = new Counter([gpu], heldBytes(gpu.ledger) - 4096);
  const some = gpu.allocate('activations', 1024, 'some');
  gpu.release('activations', some);
  const more = gpu.allocate('activations', 512, 'more');
  expect(counter.perStep(1).peakBytes).toBe(4096 + 1024);
  // The next step may need less.
  expect(new Counter([gpu]).perStep(1).peakBytes).toBe((1 << 20) + 4096 + 512);
  for (const [lifetime, view] of [
    ['io', others],
    ['weights', weights],
    ['activations', more],
  ] as const) {
    gpu.release(lifetime, view);
  }
  gpu.close();
});
