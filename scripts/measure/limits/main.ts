/**
 * The longest context with which GRPO trains an adapter on 8, 16 and 24 GB of card memory, by planning;
 * writes results/scaling/limits.json and limits.txt. It needs no device, and takes about ten minutes.
 *   node scripts/measure.mjs limits
 */
import { writeFileSync } from 'node:fs';
import { FAMILIES } from './families.ts';
import { made } from '../made.ts';
import { writeTexts } from '../texts/texts.ts';
import { LEAST_BINDING, longest, USUAL_BINDING } from './limits.ts';
import { BITS, limitsTable, type Limit, type Limits } from './table.ts';

const MEMORIES = [8, 16, 24];
const GROUPS = [8, 4];

const madeBy = made();
const limits: Limit[] = [];
for (const maxBinding of [USUAL_BINDING, LEAST_BINDING]) {
  for (const [model, config] of Object.entries(FAMILIES)) {
    for (const bits of BITS) {
      for (const memory of maxBinding === USUAL_BINDING ? MEMORIES : MEMORIES.slice(-1)) {
        for (const group of GROUPS) {
          const found = longest({ config, bits, group, memory: memory * 1e9, maxBinding });
          limits.push({ model, bits, maxBinding, memory, group, longest: found ?? null });
        }
      }
    }
    console.error(model);
  }
}
const result: Limits = { made: madeBy, limits };
writeFileSync('results/scaling/limits.json', `${JSON.stringify(result, null, 1)}\n`);
await writeTexts();
console.log(limitsTable(result));
