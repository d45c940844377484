import { choiceLabel } from './choices.ts';
import type { Editor } from './editor.svelte.ts';
import { textOf, type Field } from './fields.ts';

/** "The default is 0.04." */
export function usualText(editor: Editor, { key, spec }: Field): string {
  const text = textOf(editor.defaultOf(key));
  const shown = spec.type === 'choice' && text !== '' ? choiceLabel(key, text) : text;
  return `The default is ${shown || 'not set'}.`;
}
