import { expect, it } from 'vitest';
import { blobSource } from './files.ts';
import { ggufWeights } from './gguf-weights.ts';

it.each([
  ['infinite', 0x7c00],
  ['not a number', 0x7e00],
])('names the tensor of a block whose step is %s', async (_, step) => {
  // Q4_0: a float16 step, and 32 codes of four bits.
  const block = new Uint8Array(18);
  new DataView(block.buffer).setUint16(0, step, true);
  const file = blobSource('m.gguf', new Blob([block]));
  const tensor = { name: 'blk.0.ffn_up.weight', shape: [1, 32], type: 2, file, start: 0 };
  const name = 'model.layers.0.mlp.up_proj.weight';
  await expect(ggufWeights('m', [[tensor, { name }]], true).read()).rejects.toThrow(
    /^m\.gguf: tensor model\.layers\.0\.mlp\.up_proj\.weight is damaged \(int4 cannot store numbers .*\); download it again$/,
  );
});
