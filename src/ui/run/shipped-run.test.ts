import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { RecordedRun } from '../../rl/runs/record.ts';
import { evaluatedSteps, mostImproved } from '../group/evaluated.ts';
import { tickOf } from './player.svelte.ts';

const { steps } = JSON.parse(readFileSync('public/recorded-run.json', 'utf8')) as RecordedRun;
const evaluated = evaluatedSteps(steps);
const shown = mostImproved(evaluated);
const [first, last] = [evaluated[0]!.samples[shown]!, evaluated.at(-1)!.samples[shown]!];

it('the first prompt that is shown changes in thought, answer and scores within five seconds', () => {
  const changed = evaluated.find(({ samples }) => {
    const { thought, response } = samples[shown]!;
    return thought !== first.thought && response !== first.response;
  })!;
  const reports = steps.findIndex(({ metrics }) => metrics.step === changed.step);
  expect(reports * tickOf(steps.length)).toBeLessThan(5000);
  expect(last.reward).toBeGreaterThan(first.reward);
  expect(last.gold).toBeGreaterThan(first.gold!);
});

it('every shown prompt has groups with all numbers, from the first step to the last', () => {
  const followed = steps.filter((step) => step.followed);
  expect(followed[0]!.metrics.step).toBe(1);
  expect(followed.at(-1)!.metrics.step).toBe(steps.at(-1)!.metrics.step);
  const prompts = evaluated[0]!.samples.map(({ prompt }) => prompt);
  for (const step of followed) {
    expect(step.followed!.map(({ prompt }) => prompt)).toEqual(prompts);
    for (const { samples } of step.followed!) {
      expect(samples.every(({ trace }) => trace?.after && trace.ref && trace.kl)).toBe(true);
    }
  }
});
