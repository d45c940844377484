/** The guided tour: what to look at, in which order. */
import type { SectionId } from '../settings/sections.ts';
import type { ViewId } from '../views/views.ts';

export interface Stop {
  view: ViewId;
  /** A stop whose section a link hides is left out. */
  section?: SectionId;
  /** A selector of what is shown. */
  place: string;
  title: string;
  text: string;
}

export const stops: readonly Stop[] = [
  {
    view: 'watch',
    place: '.words',
    title: 'A model learns to think',
    text: 'This is a real training run, replayed. The button trains the same model here, in this tab.',
  },
  {
    view: 'watch',
    section: 'before',
    place: '#before-after',
    title: 'Before, and now',
    text: 'The same prompt, before training and at the step on the slider. The judge reads only the responses. Choose another prompt, and every view follows.',
  },
  {
    view: 'watch',
    place: '[aria-label="The run"]',
    title: 'Move through time',
    text: 'This bar is on every view. The slider moves the whole page to any step of the run.',
  },
  {
    view: 'understand',
    section: 'group',
    place: '#group',
    title: 'Several tries at one prompt',
    text: 'Thoughts are on the left, responses beside them. Tries whose bar is right of the line are better than the group’s mean and become likelier.',
  },
  {
    view: 'understand',
    section: 'stepper',
    place: '#walk-title',
    title: 'Be the optimizer',
    text: 'Go through one update step by step, and guess each number before it is shown.',
  },
  {
    view: 'understand',
    section: 'traces',
    place: '#tokens',
    title: 'Look closer',
    text: 'Click a token to follow it from the reward of its try to its gradient. Change a term, and see what the update would have done.',
  },
  {
    view: 'runs',
    section: 'runs',
    place: '#runs',
    title: 'Your runs',
    text: 'Every run that you train is kept here. Draw them over each other, or train a twin with one thing changed.',
  },
  {
    view: 'set-up',
    section: 'recipe',
    place: '#recipe',
    title: 'Make it yours',
    text: 'Change the recipe, bring a model, choose what counts as good. The next run uses it.',
  },
  {
    view: 'try',
    section: 'try',
    place: '#try',
    title: 'Ask it yourself',
    text: 'The model before training and after it, side by side. This is the end of the tour.',
  },
];
