import { expect, it } from 'vitest';
import { Activation, planActivations } from './activations.ts';
import { MemoryPlan } from './memory.ts';

const op = (...bindings: Activation[]) => ({ bindings });

it('gives one buffer to activations that are never in use together, and another to neighbours', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new Activation(name, 64));
  const plan = new MemoryPlan(Infinity);
  planActivations(plan, [op(a!, b!), op(b!, c!)]);
  expect(a!.view!.buffer).toBe(c!.view!.buffer);
  expect(a!.view!.buffer).not.toBe(b!.view!.buffer);
  expect(plan.total).toBe(2 * 4 * 64);
});

it('keeps what lives long out of the large buffers that are needed again', () => {
  // As with gradient_checkpointing: each layer keeps its small input, and computes through a large one.
  const layers = 8;
  const many = (name: string, elements: number) => (_: unknown, i: number) =>
    new Activation(`${name} ${i}`, elements);
  const inputs = Array.from({ length: layers + 1 }, many('input', 16));
  const large = Array.from({ length: layers }, many('large', 1024));
  const narrow = Array.from({ length: layers }, many('narrow', 16));
  const plan = new MemoryPlan(Infinity);
  planActivations(
    plan,
    large.flatMap((wide, i) => [
      op(inputs[i]!, wide),
      op(wide, narrow[i]!),
      op(narrow[i]!, inputs[i + 1]!),
    ]),
    inputs.toReversed().map((input) => op(input)),
  );
  expect(plan.total).toBe(4 * (1024 + 16 * (layers + 1)));
});

it('keeps a pinned activation alone', () => {
  const [pinned, other] = [new Activation('pinned', 16, true), new Activation('other', 16)];
  planActivations(new MemoryPlan(Infinity), [op(pinned), op(other)]);
  expect(pinned.view!.buffer).not.toBe(other.view!.buffer);
});
