/** What the memory is used for, in the bars and their legend; colours are names in tokens.css. */
import type { MemoryParts } from '../../app/fit.ts';

export const MEMORY_PARTS: readonly { key: keyof MemoryParts; label: string; colour: string }[] = [
  { key: 'weights', label: 'Weights', colour: 'ink-soft' },
  { key: 'training', label: 'Gradients and optimizer', colour: 'thought' },
  { key: 'work', label: 'Activations and cache', colour: 'rule-strong' },
  { key: 'judges', label: 'Judges', colour: 'reward' },
];
