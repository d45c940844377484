/** The guided tour: what to look at, in which order. */
export interface Stop {
  /** A selector of what is shown; a stop whose place is not on the page is left out. */
  place: string;
  title: string;
  text: string;
}

export const stops: readonly Stop[] = [
  {
    place: '.hero',
    title: 'A model learns to think',
    text: 'This is a real training run, replayed. The button trains the same model here, in this tab.',
  },
  {
    place: '#how',
    title: 'One step, again and again',
    text: 'Ask, think and answer, judge, compare. The judge reads only the responses.',
  },
  {
    place: '#group',
    title: 'Several tries at one prompt',
    text: 'Thoughts are on the left, responses beside them. Tries whose bar is right of the line are better than the group’s mean and become likelier.',
  },
  {
    place: '#walk-title',
    title: 'Be the optimizer',
    text: 'Go through one update step by step, and guess each number before it is shown.',
  },
  {
    place: '#tokens',
    title: 'Look closer',
    text: 'Every token, coloured by what you choose: how sure the model was, or what the update changed.',
  },
  {
    place: '#before-after',
    title: 'Before and after',
    text: 'The same prompts over the whole run: drag the slider and read.',
  },
  {
    place: '[aria-label="Steps of the run"]',
    title: 'Move through time',
    text: 'This slider moves the whole page to any step of the run. This is the end of the tour: look around.',
  },
];
