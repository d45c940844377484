import { describe, expect, it } from 'vitest';
import type { Phase } from '../../app/training-service.ts';
import { phaseText, splitProgress, spokenStatus, tabTitle } from './phases.ts';

const text = (phase: Phase, more: { detail?: string; error?: string } = {}) =>
  phaseText({ phase, step: 4, maxSteps: 30, ...more });

describe('phaseText', () => {
  it('has words for every phase', () => {
    const phases: Phase[] = ['loading', 'compiling', 'training', 'paused', 'finished', 'stopped'];
    const titles = [...phases, 'failed' as const].map((phase) => text(phase).title);
    expect(new Set(titles).size).toBe(7);
    expect(titles).toContain('Trained for 30 steps');
    expect(titles).toContain('Stopped after step 4');
  });

  it('shows the detail as the title, and explains that part of a step', () => {
    const writing = text('training', { detail: 'writing 8 completions (50%)' });
    expect(writing.title).toBe('Writing 8 completions (50%)');
    expect(writing.explanation).not.toBe(text('training', { detail: 'scoring' }).explanation);
    expect(text('training', { detail: 'something new' }).explanation).toBe(
      text('training').explanation,
    );
  });

  it('passes the error on', () => {
    expect(text('failed', { error: 'The card is lost. Reload.' }).explanation).toBe(
      'The card is lost. Reload.',
    );
  });
});

it('is spoken when the phase changes, and ten times in a run', () => {
  const status = { maxSteps: 150, secondsPerStep: 1, detail: 'writing 8 completions (50%)' };
  const spoken = Array.from({ length: 151 }, (_, step) =>
    spokenStatus({ ...status, phase: 'training', step }),
  );
  expect(new Set(spoken).size).toBe(11);
  expect(spoken[47]).toBe('Training, step 45 of 150');
  expect(spokenStatus({ ...status, phase: 'compiling', step: 0 })).toBe('Compiling programs');
  expect(spokenStatus({ ...status, phase: 'finished', step: 150 })).toBe('Trained for 150 steps');
});

it('the title of the tab shows the progress, and before that what it waits for', () => {
  const loading = { phase: 'loading', step: 0, maxSteps: 0, detail: 'loading the models' } as const;
  expect(tabTitle(loading)).toBe('Loading the models');
  const training = { phase: 'training', step: 3, maxSteps: 150 } as const;
  expect(tabTitle(training)).toBe('Step 3 of 150');
  expect(tabTitle({ ...training, secondsPerStep: 1.25 })).toMatch(/^Step 3 of 150, 1.3 s each$/);
});

it('the progress stands apart from what goes on, so that it is never cut', () => {
  expect(splitProgress('Writing 128 completions (7%)')).toEqual([
    'Writing 128 completions',
    '(7%)',
  ]);
  expect(splitProgress('Loading my model (2) (45%)')).toEqual(['Loading my model (2)', '(45%)']);
  expect(splitProgress('Scoring the responses')).toEqual(['Scoring the responses', '']);
});
