/** The families that can be read, each in its file. */
import type { Family } from './family.ts';
import { gemma3 } from './gemma3.ts';
import { granite } from './granite.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { olmo2, olmo3 } from './olmo.ts';
import { phi3 } from './phi3.ts';
import { qwen2, qwen3 } from './qwen.ts';
import { smollm3 } from './smollm3.ts';

const families = {
  ...{ llama, qwen2, qwen3, mistral, smollm3 },
  ...{ granite, olmo2, olmo3, phi3, gemma3 },
};

export type FamilyName = keyof typeof families;

export const FAMILIES: Readonly<Record<FamilyName, Family>> = families;
