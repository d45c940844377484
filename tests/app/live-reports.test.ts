/** Which steps of a live run the page gets. */
import { expect, it } from 'vitest';
import { LiveReports } from '../../src/app/live-reports.ts';

const step = (number: number) => ({ metrics: { step: number } });

function heard(work: (reports: LiveReports) => void): number[] {
  const steps: number[] = [];
  const reports = new LiveReports(() => {
    throw new Error('no status is asked for');
  });
  reports.listener = {
    onStatus: () => undefined,
    onStep: ({ metrics }) => void steps.push(metrics.step),
  };
  work(reports);
  return steps;
}

const report = (reports: LiveReports, ...steps: number[]): void => {
  for (const number of steps) reports.report({ ...step(number), groups: [] });
};

it('a run that begins again, because it had no checkpoint, has its evaluation before training', () => {
  const steps = heard((reports) => {
    reports.reportPast([], 0);
    report(reports, 0, 1);
  });
  expect(steps).toEqual([0, 1]);
});

it('reports no step twice, whether of an earlier visit or done again after a loss', () => {
  const steps = heard((reports) => {
    reports.reportPast([step(0), step(1), step(2)], 2);
    report(reports, 3, 4, 3, 4, 5);
  });
  expect(steps).toEqual([0, 1, 2, 3, 4, 5]);
});
