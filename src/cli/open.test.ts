/** What a path of the command line opens. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { openAt } from './open.ts';

it('an adapter whose base is not here: where to put the base', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'adapter-'));
  try {
    const config = {
      ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 2, lora_alpha: 4 },
      ...{ target_modules: ['q_proj'], base_model_name_or_path: 'somebody/base-of-tests' },
    };
    await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(config));
    await expect(openAt(folder)).rejects.toThrow(
      `${basename(folder)} is an adapter for somebody/base-of-tests, which cannot be opened (somebody/base-of-tests ` +
        "does not exist; check the folder's name, or put the model into " +
        `${join(dirname(folder), 'base-of-tests')}: nothing is downloaded)`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
