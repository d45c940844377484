import { expect, it } from 'vitest';
import { SECTIONS, type SectionId } from '../settings/sections.ts';
import { isView, offeredViews, VIEWS } from './views.ts';

it('every section stands in one view', () => {
  const placed = Object.values(VIEWS).flatMap(({ sections }): SectionId[] => [...sections]);
  expect([...placed].sort()).toEqual(Object.keys(SECTIONS).sort());
});

it('a view whose sections are all hidden is not offered', () => {
  const hidden = ['try', 'blind', 'judges', 'taste', 'runs'];
  expect(offeredViews((section) => hidden.includes(section))).toEqual([
    'watch',
    'understand',
    'runs',
    'set-up',
  ]);
});

it('knows its own names only', () => {
  expect(['watch', 'set-up', 'toString', 'curves'].map(isView)).toEqual([true, true, false, false]);
});
