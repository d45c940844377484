import type { Status } from '../../app/training-service.ts';

interface PhaseText {
  title: string;
  /** What it means, for somebody who has never trained a model. */
  explanation: string;
}

/** What goes on inside a step, by the first word of the status's detail. */
const WITHIN_STEP: Record<string, string> = {
  writing: 'The model tries each prompt several times, a little differently every time.',
  scoring: 'The judge reads every response, and none of the thoughts.',
  updating: 'Better tries become likelier, the others less likely.',
};

export function phaseText(status: Status): PhaseText {
  const { phase, step, maxSteps, detail = '', error = '' } = status;
  const sentence = detail.charAt(0).toUpperCase() + detail.slice(1);
  switch (phase) {
    case 'loading':
      return {
        title: sentence || 'Loading the models',
        explanation: 'The page opens the graphics card, then it loads the model and its judge.',
      };
    case 'compiling':
      return {
        title: sentence || 'Compiling programs',
        explanation:
          'The browser turns the training code into programs for this graphics card. This may take half a minute, once in a run.',
      };
    case 'training':
      return {
        title: sentence || 'Training',
        explanation:
          WITHIN_STEP[detail.split(' ', 1)[0] ?? ''] ??
          'The model writes, is judged, and moves towards what scored better.',
      };
    case 'paused':
      return {
        title: 'Paused',
        explanation: 'The model stays as it is. Continue, or take one step at a time.',
      };
    case 'finished':
      return {
        title: `Trained for ${maxSteps} steps`,
        explanation: 'Drag the step slider to see how its thoughts and responses changed.',
      };
    case 'stopped':
      return {
        title: `Stopped after step ${step}`,
        explanation: 'The steps so far stay in this browser.',
      };
    case 'failed':
      return {
        title: 'Training stopped',
        explanation: error || 'It gave no reason. Reload the page to try again.',
      };
  }
}

/** A title without and with its last parenthesis, which is the progress: "(50%)", "(3 of 8)". */
export function splitProgress(title: string): [what: string, progress: string] {
  const [, what, progress] = /^(.+?) (\([^()]*\))$/.exec(title) ?? [];
  return what && progress ? [what, progress] : [title, ''];
}

/** For the title of the tab. Until the models are loaded, the number of steps is not known. */
export function tabTitle(status: Status): string {
  const { step, maxSteps, secondsPerStep } = status;
  if (maxSteps === 0) return phaseText(status).title;
  const pace = secondsPerStep === undefined ? '' : `, ${secondsPerStep.toFixed(1)} s each`;
  return `Step ${step} of ${maxSteps}${pace}`;
}

/** For screen readers: each phase, and while it trains every tenth of the way. */
export function spokenStatus(status: Status): string {
  const { phase, step, maxSteps } = status;
  if (phase !== 'training') return phaseText({ ...status, detail: '' }).title;
  const part = Math.max(1, Math.ceil(maxSteps / 10));
  return `Training, step ${step - (step % part)} of ${maxSteps}`;
}
