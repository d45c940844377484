/**
 * Activations are declared before they have memory. `planActivations` gives them buffers by the op
 * lists that use them: activations that are never in use at the same time share one buffer.
 * Each slot is a buffer of its own because WebGPU does not let one dispatch read and write the
 * same buffer, even in different places.
 */
import type { Memory, View } from './memory.ts';

/** A buffer of 4-byte elements that exists once `planActivations` has run. */
export class Activation {
  view: View | undefined;
  readonly label: string;
  readonly byteLength: number;
  /** Kept from the first op to the last: the host writes it before or reads it after a replay. */
  readonly pinned: boolean;
  constructor(label: string, elements: number, pinned = false) {
    this.label = label;
    this.byteLength = Math.max(16, Math.ceil(elements / 4) * 16);
    this.pinned = pinned;
  }
}

export function viewOf(bindable: View | Activation): View {
  if (!(bindable instanceof Activation)) return bindable;
  if (!bindable.view) {
    throw new Error(`activation ${bindable.label} has no memory; call planActivations first`);
  }
  return bindable.view;
}

/** The part of an op (kernel.ts) that planning needs. */
interface Launch {
  readonly bindings: readonly (View | Activation)[];
}

interface Slot {
  byteLength: number;
  members: Activation[];
}

/**
 * Gives every activation in `opLists` (in replay order) a buffer. Greedy: at its first use an
 * activation takes the smallest free slot that is large enough, else the largest free one, which
 * grows, else a new one. Returns the buffers, for `release`.
 */
export function planActivations(memory: Memory, ...opLists: readonly Launch[][]): View[] {
  const ops = opLists.flat();
  const span = new Map<Activation, { first: number; last: number }>();
  ops.forEach((op, index) => {
    for (const binding of op.bindings) {
      if (!(binding instanceof Activation) || binding.view) continue;
      const seen = span.get(binding);
      if (seen) seen.last = index;
      else span.set(binding, { first: index, last: index });
    }
  });
  for (const [activation, life] of span) {
    if (activation.pinned) Object.assign(life, { first: 0, last: ops.length });
  }
  const slots = assignSlots(span, ops.length);
  return slots.map((slot) => {
    const label = slot.members.map((a) => a.label).join('+');
    const view = memory.allocate('activations', slot.byteLength, label);
    for (const activation of slot.members) {
      activation.view = { ...view, byteLength: activation.byteLength };
    }
    return view;
  });
}

function assignSlots(
  span: Map<Activation, { first: number; last: number }>,
  opCount: number,
): Slot[] {
  const slots: Slot[] = [];
  const free = new Set<Slot>();
  const born = Array.from({ length: opCount + 1 }, (): Activation[] => []);
  const dies = Array.from({ length: opCount + 1 }, (): Slot[] => []);
  for (const [activation, { first }] of span) born[first]?.push(activation);
  for (let index = 0; index <= opCount; index++) {
    for (const activation of born[index] ?? []) {
      const size = activation.byteLength;
      const fits = [...free].filter((s) => s.byteLength >= size);
      const slot =
        fits.sort((a, b) => a.byteLength - b.byteLength)[0] ??
        [...free].sort((a, b) => b.byteLength - a.byteLength)[0];
      const chosen = slot ?? { byteLength: 0, members: [] };
      if (!slot) slots.push(chosen);
      free.delete(chosen);
      chosen.byteLength = Math.max(chosen.byteLength, size);
      chosen.members.push(activation);
      dies[span.get(activation)?.last ?? opCount]?.push(chosen);
    }
    // Freed after the op's own outputs have their slots, so that no op reads and writes one buffer.
    for (const slot of dies[index] ?? []) free.add(slot);
  }
  return slots;
}
