/** What the run on view does, and one step of training in four sentences, by algorithm. */
import type { RecipeValues } from '../../rl/recipe/values.ts';

export interface Part {
  title: string;
  text: string;
}

/** `tries` is the size of a group: how many completions are sampled for a prompt. */
export function howItWorks(recipe: RecipeValues, tries: number): Part[] {
  const { algorithm } = recipe;
  if (algorithm === 'sft') return imitation;
  if (algorithm === 'reward') return judging;
  return [
    ask(recipe['world'] === 'meal-planner'),
    {
      title: 'Think, then answer',
      text: `The model tries ${tries || 'several'} times. Each try is a private thought, then a response.`,
    },
    {
      title: 'Judge the answer',
      text: 'A reward model, itself learned from noisy preferences, scores each response. It never sees a thought.',
    },
    compare(algorithm),
  ];
}

/** What the run on view is about, for somebody who has never trained a model. */
export function introduction(recipe: RecipeValues): string {
  const { algorithm, world, thinking } = recipe;
  if (algorithm === 'sft') {
    return 'Before a model can find out anything by itself, it imitates: it is shown prompts with good answers, and learns to guess every next word of them.';
  }
  if (algorithm === 'reward') {
    return 'This one learns to judge. It is shown two answers to one prompt and which of them was preferred, until its scores say which answer people would like better.';
  }
  // Without a recipe, the run that ships with the page is still on its way.
  const isDinner = world === 'meal-planner' || Object.keys(recipe).length === 0;
  const task = isDinner ? 'It plans dinners.' : 'It answers requests.';
  const rules = Array.isArray(recipe['reward_funcs']) && recipe['reward_funcs'].length > 0;
  const reader = rules
    ? 'What scores it reads only the answer.'
    : 'A reward model reads only the answer and gives it a score.';
  return thinking === false
    ? `${task} This run may not think first: each time, it answers at once. ${reader} From those scores alone it learns, for comparison with a run that thinks.`
    : `${task} Each time, it first writes itself a private thought, then an answer. ${reader} From those scores alone, it finds out which thoughts are worth having.`;
}

function ask(isDinner: boolean): Part {
  return {
    title: 'Ask',
    text: isDinner
      ? 'Dishes with prices, a guest with a diet, a budget. The prices change every time, so no answer can be learned by heart.'
      : 'A prompt is taken from the data: a question or a task with many good answers.',
  };
}

function compare(algorithm: unknown): Part {
  const title = 'Compare';
  if (algorithm === 'dpo') {
    return {
      title,
      text: 'The best try is made likelier against the worst, thought and all. Then again.',
    };
  }
  if (algorithm === 'ppo') {
    return {
      title,
      text: 'Each word that left the try better off than expected is made likelier, in the thought too; the others less likely. Then again.',
    };
  }
  return {
    title,
    text: 'Tries above the mean of their group are made likelier, thought and all; those below, less likely. Then again.',
  };
}

const imitation: Part[] = [
  { title: 'Show', text: 'The model is shown a prompt with an answer that somebody wrote.' },
  { title: 'Predict', text: 'Word by word it guesses how the answer goes on.' },
  { title: 'Compare', text: 'The loss is how surprised it was by the words that really came.' },
  { title: 'Nudge', text: 'Those words are made a little likelier. Then again.' },
];

const judging: Part[] = [
  {
    title: 'Show two answers',
    text: 'Two answers to one prompt, and which of them was preferred.',
  },
  {
    title: 'Score both',
    text: 'The reward model gives each a mark, without knowing which one won.',
  },
  {
    title: 'Compare',
    text: 'The larger the difference in marks, the surer its bet on the winner.',
  },
  { title: 'Nudge', text: 'The winner’s mark goes up a little, the loser’s down. Then again.' },
];
