import { describe, expect, it } from 'vitest';
import type { Phase } from '../../app/training-service.ts';
import { phaseText } from './phases.ts';

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
