import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RecordedRun } from '../../rl/runs/record.ts';
import { evaluatedSteps, mostImproved } from '../group/evaluated.ts';
import { tickOf } from './player.svelte.ts';

function read(file: string) {
  const text = readFileSync(`public/${file}`, 'utf8');
  const { steps } = JSON.parse(text) as RecordedRun;
  const evaluated = evaluatedSteps(steps);
  const shown = mostImproved(evaluated);
  const [first, last] = [evaluated[0]!.samples[shown]!, evaluated.at(-1)!.samples[shown]!];
  return { bytes: Buffer.byteLength(text), steps, evaluated, shown, first, last };
}

const run = read('recorded-run.json');
const chat = read('recorded-chat-model.json');

describe.each([
  ['the first run', 8, run],
  ['the chat model', 4, chat],
])('%s', (_, followedPrompts, { steps, evaluated, shown, first, last }) => {
  it('the first prompt that is shown changes in thought, answer and scores within five seconds', () => {
    const changed = evaluated.find(({ samples }) => {
      const { thought, response } = samples[shown]!;
      return thought !== first.thought && response !== first.response;
    })!;
    const reports = steps.findIndex(({ metrics }) => metrics.step === changed.step);
    expect(reports * tickOf(steps.length)).toBeLessThan(5000);
    expect(last.reward).toBeGreaterThan(first.reward);
  });

  it('the prompts that are followed have groups with all numbers, from the first step to the last', () => {
    const followed = steps.filter((step) => step.followed);
    expect(followed[0]!.metrics.step).toBe(1);
    expect(followed.at(-1)!.metrics.step).toBe(steps.at(-1)!.metrics.step);
    const prompts = evaluated[0]!.samples.map(({ prompt }) => prompt).slice(0, followedPrompts);
    for (const step of followed) {
      expect(step.followed!.map(({ prompt }) => prompt)).toEqual(prompts);
      for (const { samples } of step.followed!) {
        expect(samples.every(({ trace }) => trace?.after && trace.ref && trace.kl)).toBe(true);
      }
    }
  });
});

it('gold rises on the first prompt that is shown', () => {
  expect(run.last.gold).toBeGreaterThan(run.first.gold!);
});

it('the chat model thinks about every held-out prompt, in less than 300 KB', () => {
  expect(chat.bytes).toBeLessThan(300_000);
  for (const { samples } of chat.evaluated) {
    expect(samples).toHaveLength(8);
    expect(samples.every(({ thought, response }) => thought && response)).toBe(true);
  }
});
