/** What the run on view does, and one step of training in four sentences, by algorithm. */
import type { RecipeValues } from '../../rl/recipe/values.ts';

interface Part {
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
      text: `The model tries ${tries || 'several'} times. Each try (a completion) is a private thought, then a response.`,
    },
    {
      title: 'Judge the response',
      text: 'A reward model, trained on noisy preferences, scores each response. It never sees a thought.',
    },
    compare(algorithm),
  ];
}

interface Introduction {
  /** A short sentence: what the model does. */
  task: string;
  /** How it learns that. */
  how: string;
}

/** What the run on view is about, for somebody who has never trained a model. */
export function introduction(recipe: RecipeValues): Introduction {
  const { algorithm, world, thinking } = recipe;
  if (algorithm === 'sft') {
    return {
      task: 'This model learns by imitating.',
      how: 'It sees prompts with good responses, and learns to predict each next word of them. After that, it can learn by trying.',
    };
  }
  if (algorithm === 'reward') {
    return {
      task: 'This model learns to judge.',
      how: 'It sees two responses to one prompt and which of them was preferred, until its scores tell which response people would like better.',
    };
  }
  // Without a recipe, the page is still loading its recorded run.
  const isDinner = world === 'meal-planner' || Object.keys(recipe).length === 0;
  const task = isDinner ? 'It plans dinners.' : 'It answers requests.';
  const rules = Array.isArray(recipe['reward_funcs']) && recipe['reward_funcs'].length > 0;
  const reader = rules
    ? 'The judge reads only the response and gives it a score.'
    : 'A reward model reads only the response and gives it a score.';
  return {
    task,
    how:
      thinking === false
        ? `In this run it does not think first: it answers at once. ${reader} It learns from these scores alone, for comparison with a run that thinks.`
        : `Each time, it first writes a private thought, then a response. ${reader} From these scores alone, it learns which thoughts help.`,
  };
}

function ask(isDinner: boolean): Part {
  return {
    title: 'Ask',
    text: isDinner
      ? 'Dishes with prices, a guest with a diet, a budget. The prices change every time, so the model cannot learn responses by heart.'
      : 'A prompt is taken from the data: a question or a task with many good responses.',
  };
}

function compare(algorithm: unknown): Part {
  const title = 'Compare';
  if (algorithm === 'dpo') {
    return {
      title,
      text: 'The best try becomes likelier and the worst less likely, thoughts included. Then it starts again.',
    };
  }
  if (algorithm === 'ppo') {
    return {
      title,
      text: 'Each token that turned out better than expected becomes likelier, in the thought too; the others become less likely. Then it starts again.',
    };
  }
  return {
    title,
    text: 'Tries above the mean of their group become likelier, thoughts included; those below become less likely. Then it starts again.',
  };
}

const imitation: Part[] = [
  { title: 'Show', text: 'The model sees a prompt with a response that somebody wrote.' },
  { title: 'Predict', text: 'Word by word, it predicts how the response continues.' },
  { title: 'Compare', text: 'The loss measures how much the real next words surprised it.' },
  { title: 'Update', text: 'Those words become a little likelier. Then it starts again.' },
];

const judging: Part[] = [
  {
    title: 'Show two responses',
    text: 'The model sees two responses to one prompt, and which of them was preferred.',
  },
  {
    title: 'Score both',
    text: 'The reward model gives each a score, without knowing which one was preferred.',
  },
  {
    title: 'Compare',
    text: 'The larger the difference between the scores, the surer its prediction.',
  },
  {
    title: 'Update',
    text: 'The score of the preferred response goes up a little, the other score down. Then it starts again.',
  },
];
