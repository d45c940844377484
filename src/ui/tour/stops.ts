/** The guided tour: what to look at, in which order. */
import type { SectionId } from '../settings/sections.ts';
import type { ViewId } from '../views/views.ts';

export interface Stop {
  view: ViewId;
  /** A stop whose section a link hides is left out. */
  section?: SectionId;
  /** A selector of what is shown. */
  place: string;
  /** Of what the text tells, as a selector: where the whole does not fit, the page shows this. */
  part?: string;
  title: string;
  text: string;
}

export const stops: readonly Stop[] = [
  {
    view: 'watch',
    place: '.words',
    title: 'A model learns to think',
    text: 'This is a real training run. The button trains the same model here, in this tab.',
  },
  {
    view: 'watch',
    section: 'before',
    place: '#before-after',
    part: '.example .now',
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
    part: 'section[aria-labelledby=group] .tries li:not(.heads)',
    title: 'Several tries at one prompt',
    text: 'Each try is a private thought, then a response. Tries whose bar is right of the line are better than the group’s mean and become likelier.',
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
    part: 'section[aria-labelledby=tokens] .tries li',
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
    place: '#view-set-up div:has(> .columns)',
    title: 'Make it yours',
    text: 'Change the recipe, bring a model, choose what counts as good. The next run uses it.',
  },
  {
    view: 'try',
    section: 'try',
    place: '#try',
    title: 'Ask it yourself',
    text: 'The same question, to the model before training and to the trained one. This is the end of the tour.',
  },
];
