import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../install.mjs';
import type { Made } from '../made.ts';
import { textFiles } from './texts.ts';

it('the texts in the tree are those of the JSON files in results/scaling', async () => {
  const files = await textFiles();
  expect(files.size).toBe(6);
  for (const [path, text] of files) {
    expect(await readFile(join(root, path), 'utf8'), 'run node scripts/measure.mjs texts').toBe(
      text,
    );
  }
});

// null: on a machine without git. A result of changed source, with the mark -dirty, is not to be kept.
it('every JSON file in results/scaling says which command made it, when and at which commit', async () => {
  for (const name of ['growth', 'limits', 'llama-8b', 'trl']) {
    const file = await readFile(join(root, `results/scaling/${name}.json`), 'utf8');
    const records = [JSON.parse(file)].flat() as { made: Made; timings?: { made: Made } }[];
    for (const { made, timings } of records) {
      for (const one of timings ? [made, timings.made] : [made]) {
        expect({ ...one, commit: String(one.commit) }, name).toEqual({
          command: expect.stringMatching(`^node scripts/measure.mjs ${name}`) as string,
          date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string,
          commit: expect.stringMatching(/^(null|[0-9a-f]{40})$/) as string,
        });
      }
    }
  }
});
