/** The parts of the page that a link can hide, in their order. */
export const SECTIONS = {
  how: 'One step of training, in four',
  group: 'The group: one prompt, several tries',
  stepper: 'Step by step through the numbers',
  traces: 'Tokens, coloured',
  before: 'Before and after',
  curves: 'Curves',
  runs: 'Your runs',
  recipe: 'The recipe',
  models: 'Bring your own model',
  rewards: 'Rewards and prompts',
  try: 'The prompt box',
  blind: 'You judge, blind',
  taste: 'Your own taste',
  learn: 'Learn',
} as const;

export type SectionId = keyof typeof SECTIONS;
