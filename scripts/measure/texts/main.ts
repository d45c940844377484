/**
 * Writes the texts of results/scaling, and the sentences in README.md, again from the JSON files there;
 * it measures nothing.
 *   node scripts/measure.mjs texts
 */
import { writeTexts } from './texts.ts';

for (const path of await writeTexts()) console.log(`wrote ${path}`);
