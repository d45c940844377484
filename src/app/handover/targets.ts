/** Where a run can go on: the one list for the page and the command line. What is written is in files.ts. */

interface HandoverTarget {
  name: string;
  /** For the page. */
  help: string;
}

export const TARGETS = {
  trl: {
    name: 'TRL',
    help: 'Policy, rewards, prompts, recipe and the command, for one graphics card or many.',
  },
  verl: {
    name: 'verl',
    help: 'The same for one machine with graphics cards, or for a Ray cluster. Only GRPO.',
  },
  openrlhf: {
    name: 'OpenRLHF',
    help: 'The same for OpenRLHF, on Ray and DeepSpeed. Only GRPO, and no adapter.',
  },
} as const satisfies Record<string, HandoverTarget>;

export type Target = keyof typeof TARGETS;

export const targets = Object.keys(TARGETS) as Target[];

export const isTarget = (kind: string): kind is Target => Object.hasOwn(TARGETS, kind);
