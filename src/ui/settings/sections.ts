/** The parts of the page that a link can hide, by the headings that they have on the page. */
export const SECTIONS = {
  how: 'One step of training',
  group: 'One prompt, several tries',
  stepper: 'Walk through one update',
  traces: 'Token by token',
  before: 'The same prompt, before and now',
  curves: 'Is it getting better? What else changes',
  runs: 'Your runs',
  recipe: 'The recipe',
  models: 'The model',
  rewards: 'What counts as good',
  try: 'Ask it yourself',
  blind: 'Which is better? You judge',
  judges: 'Which is better? Judges say',
  taste: 'Your own taste',
  learn: 'The formulas, and what they say',
} as const;

export type SectionId = keyof typeof SECTIONS;
