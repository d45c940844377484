/** The parts of the page that a link can hide, in their order. */
export const SECTIONS = {
  how: 'One step of training',
  group: 'One prompt, several tries',
  stepper: 'Walk through one update',
  traces: 'Token by token',
  before: 'Before and after',
  curves: 'Curves',
  runs: 'Your runs',
  recipe: 'The recipe',
  models: 'The model',
  rewards: 'What counts as good',
  try: 'Ask it yourself',
  blind: 'Which is better? You judge',
  taste: 'Your own taste',
  learn: 'Learn',
} as const;

export type SectionId = keyof typeof SECTIONS;
