/** What memory goes to, as bars and their legend show it; colours are names in tokens.css. */
import type { MemoryParts } from '../../app/fit.ts';

export const MEMORY_PARTS: readonly { key: keyof MemoryParts; label: string; colour: string }[] = [
  { key: 'weights', label: 'Weights', colour: 'ink-soft' },
  { key: 'training', label: 'Gradients and optimizer', colour: 'thought' },
  { key: 'work', label: 'What is worked on at once', colour: 'rule-strong' },
  { key: 'judges', label: 'What judges', colour: 'reward' },
];
