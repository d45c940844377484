/** Labels for the choices of a recipe key in the form; in YAML and in links they keep TRL's names. */

/** Abbreviations, and names with a special spelling. */
const NAMES: Readonly<Record<string, string>> = {
  sft: 'SFT',
  grpo: 'GRPO',
  ppo: 'PPO',
  dpo: 'DPO',
  bnpo: 'BNPO',
  dr_grpo: 'Dr. GRPO',
  dapo: 'DAPO',
  cispo: 'CISPO',
  sapo: 'SAPO',
  luspo: 'LUSPO',
  vespo: 'VESPO',
  k1: 'k1',
  k3: 'k3',
};

/** By key, for choices whose own name is unclear. */
const LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  algorithm: { reward: 'Reward model' },
  world: { 'meal-planner': 'Dinners' },
  scale_rewards: { group: 'Within the group', batch: 'Over the batch', none: 'Off' },
  importance_sampling_level: { token: 'For each token', sequence: 'For the whole completion' },
  kl_in: { reward: 'In the reward', loss: 'In the loss' },
  eval_strategy: { no: 'Off', steps: 'Every few steps' },
};

/** The label of a choice: "Constant with warmup" for "constant_with_warmup". */
export function choiceLabel(key: string, choice: string): string {
  const named = LABELS[key]?.[choice] ?? NAMES[choice];
  if (named !== undefined) return named;
  const words = choice.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
