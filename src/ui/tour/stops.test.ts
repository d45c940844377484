import { expect, it } from 'vitest';
import { offeredViews, VIEWS } from '../views/views.ts';
import { stops } from './stops.ts';

it('the tour goes through all views, in their order', () => {
  const toured = [...new Set(stops.map(({ view }) => view))];
  expect(toured).toEqual(offeredViews(() => false));
});

it('a stop stands in the view that it names', () => {
  for (const { view, section } of stops) {
    if (section) expect(VIEWS[view].sections).toContain(section);
  }
});
