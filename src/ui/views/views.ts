/** The views of the page. The address names the one that is shown, and each holds some sections. */
import type { SectionId } from '../settings/sections.ts';

interface View {
  title: string;
  /** If a link hides all of them, the view is not offered; the first view always is. */
  sections: readonly SectionId[];
}

export const VIEWS = {
  watch: { title: 'Watch', sections: ['before', 'how'] },
  understand: { title: 'Understand', sections: ['group', 'stepper', 'traces', 'learn'] },
  runs: { title: 'Runs', sections: ['curves', 'runs'] },
  'set-up': { title: 'Set up', sections: ['recipe', 'models', 'rewards'] },
  try: { title: 'Try', sections: ['try', 'blind', 'judges', 'taste'] },
  // For teachers: it is reached by its own link, not among the views.
  teach: { title: 'For a class', sections: [] },
} as const satisfies Record<string, View>;

export type ViewId = keyof typeof VIEWS;

export const isView = (name: string): name is ViewId => Object.hasOwn(VIEWS, name);

/** The views that have something to show. */
export function offeredViews(hides: (section: SectionId) => boolean): ViewId[] {
  return (Object.keys(VIEWS) as ViewId[]).filter(
    (id) => id === 'watch' || VIEWS[id].sections.some((section) => !hides(section)),
  );
}
