import type { Recipe } from '../../rl/recipe/recipe.ts';

/** What can be done with every run that cannot be handed over: on the page, and (in brackets) on the command line. */
export const saveInstead = ({ use_peft: adapter }: Recipe): string =>
  adapter ? 'save its adapter (--to peft)' : 'save its model (--to hf)';
