/** A merged model has no number that is not finite. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exporting } from '../../src/cli/export.ts';
import { CONFIGS, randomTensors, saveAdapter, saveModel } from '../random-model.ts';

it('is refused where an adapter makes numbers too large for the type of the base', async () => {
  const root = await mkdtemp(join(tmpdir(), 'ponder-'));
  const at = (name: string): string => join(root, name);
  const config = CONFIGS['llama, tied']!;
  await saveModel(at('base'), config, randomTensors(config, 1));
  const lora = { task: 'CAUSAL_LM', r: 2, alpha: 4, targets: ['q_proj'] } as const;
  await saveAdapter(at('adapter'), config, { ...lora, base: at('base') }, () => 1e30);
  await expect(
    exporting.run([at('adapter'), '--to', 'merged', '--out', at('merged')], false),
  ).rejects.toThrow(
    /^tensor .*q_proj\.weight with its adapter has a number that is too large for F32, the type of/,
  );
  await expect(stat(at('merged'))).rejects.toThrow('ENOENT');
  await rm(root, { recursive: true });
});
