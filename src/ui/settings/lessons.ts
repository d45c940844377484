/** Ready links for a class: what each changes, and what to ask. */
import type { RecipeValues } from '../../rl/recipe/values.ts';
import type { ViewId } from '../views/views.ts';
import type { LinkState } from './link.ts';
import { PRESETS } from './presets.ts';

interface Lesson {
  title: string;
  /** Questions for the class: before, during and after the run. */
  ask: readonly string[];
  view: ViewId;
  change: RecipeValues;
}

const changeOf = (name: string): RecipeValues => PRESETS.find((one) => one.name === name)!.change;

export const LESSONS: readonly Lesson[] = [
  {
    title: 'Reward hacking',
    ask: [
      'The judge counts words. What will the model do?',
      'The reward rises. Does gold rise, too? What does the model write at step 60?',
      'How would you notice this without gold?',
    ],
    view: 'watch',
    change: changeOf('A reward that can be hacked'),
  },
  {
    title: 'No KL penalty',
    ask: [
      'Nothing keeps the model near its start. Will the reward end higher or lower?',
      'Are the thoughts still true at the end?',
      'The model moves far from its start. Which gains from that: the reward or gold?',
    ],
    view: 'watch',
    change: changeOf('No KL penalty'),
  },
  {
    title: 'Two tries for each prompt',
    ask: [
      'With two tries, which advantages are possible?',
      'Why does the curve jump more than with eight?',
      'When does a group teach nothing?',
    ],
    view: 'watch',
    change: changeOf('Two tries for each prompt'),
  },
  {
    title: 'No thought',
    ask: [
      'Which part of the task needs a thought: the diet, the prices or the budget?',
      'How far does gold get without one?',
      'The judge never reads a thought. Why does it help?',
    ],
    view: 'watch',
    change: changeOf('No thought'),
  },
  {
    title: 'Your own taste',
    ask: [
      'What do you like in a dinner? Write it down before you choose.',
      'Does your judge agree with you, and with your neighbour’s judge?',
      'What has the model learned that you did not mean?',
    ],
    view: 'try',
    change: {},
  },
];

/** The recipe of a lesson cannot be changed; everybody trains the same run, with the same seed. */
export const lessonLink = ({ view, change }: Lesson): Partial<LinkState> => ({
  view,
  overrides: change,
  hidden: view === 'try' ? ['try', 'blind'] : [],
  // Whoever trains on an own taste must be able to choose that judge.
  locked: view !== 'try',
});

/** Whether an address works only on the computer that it is opened on. */
export function isOnlyHere(link: string): boolean {
  const { hostname, protocol } = new URL(link);
  if (protocol === 'file:') return true;
  return /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$/.test(hostname);
}
