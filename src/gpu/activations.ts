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

/** The first and the last op that use an activation. */
interface Life {
  first: number;
  last: number;
}

interface Slot {
  byteLength: number;
  members: Activation[];
  lives: Life[];
}

/**
 * Gives every activation in `opLists` (in replay order) a buffer. Greedy by size (Pisarchyk and Lee
 * 2020, arXiv 2001.03288): the largest activation comes first, and each takes the smallest slot that is
 * free as long as it lives, else a new one. So a small activation that lives long never holds a large
 * slot that others need in the meantime. Returns the buffers, for `release`.
 */
export function planActivations(memory: Memory, ...opLists: readonly Launch[][]): View[] {
  const ops = opLists.flat();
  const span = new Map<Activation, Life>();
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
  const slots = assignSlots(span);
  return slots.map((slot) => {
    // Many may share it; the first is the largest, from which its size comes.
    const view = memory.allocate('activations', slot.byteLength, slot.members[0]!.label);
    for (const activation of slot.members) {
      activation.view = { ...view, byteLength: activation.byteLength };
    }
    return view;
  });
}

function assignSlots(span: ReadonlyMap<Activation, Life>): Slot[] {
  // In order of size.
  const slots: Slot[] = [];
  const largestFirst = [...span].sort(([a], [b]) => b.byteLength - a.byteLength);
  for (const [activation, life] of largestFirst) {
    const { byteLength } = activation;
    let slot = slots.findLast(({ lives }) => lives.every((other) => apart(life, other)));
    if (!slot) {
      slot = { byteLength, members: [], lives: [] };
      slots.push(slot);
    }
    slot.members.push(activation);
    slot.lives.push(life);
  }
  return slots;
}

/** Two activations of one op are never apart, so that no op reads and writes one buffer. */
const apart = (a: Life, b: Life): boolean => a.last < b.first || b.last < a.first;
