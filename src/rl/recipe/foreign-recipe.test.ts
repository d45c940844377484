/** Recipes that were not written for Ponder. */
import { describe, expect, it } from 'vitest';
import { complete, refusal } from '../../../tests/complete-recipe.ts';
import { recipeKeys } from './keys.ts';
import { otherKey } from './other-keys.ts';
import { parseRecipe } from './recipe.ts';
import { warmupSteps } from '../trainers/schedule.ts';
import { trlKeys } from './trl-keys.ts';

describe('a recipe for TRL, open-r1 or unsloth', () => {
  const grpo = complete.replace('max_steps: 10\n', '');

  it('is taken as it is; what means nothing here is listed once', () => {
    const text = `${complete}
dtype: bfloat16
attn_implementation: flash_attention_2
bf16: true
use_vllm: true
vllm_mode: colocate
gradient_checkpointing: true
gradient_checkpointing_kwargs:
  use_reentrant: false
optim: paged_adamw_8bit
hub_model_id: someone/model
push_to_hub: true
log_level: info
logging_steps: 1
report_to: [wandb]
num_train_epochs: 1
dataset_num_proc: 4
ddp_timeout: 1800
do_eval: true
overwrite_output_dir: true
lora_task_type: CAUSAL_LM
packing: false
sync_ref_model: false
repetition_penalty: 1.0
steps_per_generation: null
max_length: 1024
top_k: null
min_p: null
save_total_limit: 1
`;
    const { recipe, notices } = parseRecipe(text, 'r1.yaml');
    expect(recipe).toMatchObject({ top_k: 0, min_p: 0, save_total_limit: 1, max_steps: 10 });
    // The second is about defaults (trl-defaults.test.ts).
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(/^r1\.yaml: not used here: dtype \(frozen weights keep their type/);
    for (const key of ['vllm_mode', 'optim', 'hub_model_id', 'lora_task_type', 'packing']) {
      expect(notices[0]).toContain(key);
    }
    expect(notices[0]).toContain('num_train_epochs (max_steps decides)');
    expect(notices[0]!.length).toBeLessThan(1500);
  });

  it('of unsloth is taken, but for the keys that would change the result', () => {
    const unsloth = `load_in_4bit: true
use_peft: true
lora_target_modules: [all-linear]
fast_inference: true
gpu_memory_utilization: 0.6
max_lora_rank: 16
random_state: 3407
use_gradient_checkpointing: unsloth
unsloth_tiled_mlp: true
`;
    const { recipe, notices } = parseRecipe(grpo + unsloth, 'r1.yaml');
    expect(recipe.lora_target_modules).toContain('down_proj');
    expect(notices[0]).toMatch(
      /^r1\.yaml: not used here: fast_inference, gpu_memory_utilization, max_lora_rank, .*unsloth_tiled_mlp\.$/,
    );
    expect(refusal(() => parseRecipe(`${grpo}target_modules: [q_proj]`, 'r1.yaml'))).toContain(
      '(set lora_target_modules)',
    );
  });

  it('is refused with all keys that would change the result, in one message', () => {
    const wrong = `max_steps: -1
num_train_epoch: 1
optim: lion_32bit
packing: true
dataset_name: someone/data
use_rslora: true
learning_rte: 1
zzzzzzzzzz: 1
`;
    expect(refusal(() => parseRecipe(grpo + wrong, 'r1.yaml'))).toBe(
      'r1.yaml: 8 keys must change: line 4: max_steps is -1; it must be a whole number from 1 to 1000000000; ' +
        'line 5: unknown key num_train_epoch; did you mean num_train_epochs?; ' +
        'line 6: optim would change the result and is not available (the optimizer is AdamW); remove it; ' +
        'line 7: packing would change the result and is not available (texts are never joined); remove it; ' +
        'line 8: dataset_name would change the result and is not available (set datasets to files; ' +
        'nothing is downloaded); remove it; ' +
        'line 9: use_rslora would change the result and is not available (set lora_alpha to lora_alpha ' +
        'times the square root of lora_r); remove it; ' +
        'line 10: unknown key learning_rte; did you mean learning_rate?; ' +
        'line 11: unknown key zzzzzzzzzz; `ponder train --help` lists the keys.',
    );
    expect(refusal(() => parseRecipe(`${grpo}num_train_epochs: 3`, 'r1.yaml'))).toBe(
      'r1.yaml, line 4: num_train_epochs would change the result and is not available (set max_steps, ' +
        'a number of steps); remove it.',
    );
  });

  it('of axolotl or LLaMA-Factory is refused with the keys to set in their place', () => {
    const wrong = `base_model: m
adapter: lora
sequence_len: 2048
micro_batch_size: 2
val_set_size: 0.05
`;
    const message = refusal(() => parseRecipe(complete + wrong, 'a.yaml'));
    for (const key of [
      'model_name_or_path',
      'use_peft',
      'max_length',
      'per_device_train_batch_size',
      'add an entry with split: test to datasets',
    ]) {
      expect(message).toContain(key);
    }
    const { notices } = parseRecipe(`${complete}strict: false\nflash_attention: true\n`, 'a.yaml');
    expect(notices).toEqual(['a.yaml: not used here: strict, flash_attention.']);
  });

  it('has numbers as Python reads them, and a warm-up as transformers 5 does', () => {
    const text = complete.replace('max_steps: 10', 'max_steps: 1_000\nwarmup_steps: 0.025');
    const { recipe } = parseRecipe(text, 'r1.yaml');
    expect(recipe.max_steps).toBe(1000);
    expect(warmupSteps(recipe)).toBe(25);
    expect(warmupSteps({ ...recipe, max_steps: 10 })).toBe(1);
    expect(warmupSteps({ ...recipe, warmup_steps: 2.5 })).toBe(2);
    expect(warmupSteps({ ...recipe, warmup_steps: 0, warmup_ratio: 0.5 })).toBe(500);
    expect(refusal(() => parseRecipe(`${complete}seed: 1__0\n`, 'r1.yaml'))).toContain('"1__0"');
  });

  it('has data as TRL names them: null is no field, tables must become JSONL', () => {
    const data = (fields: string): string =>
      `model_name_or_path: m\nreward_funcs: [r.js]\ndatasets:\n  - {${fields}, data_files: a.jsonl}\n`;
    const { recipe } = parseRecipe(data('path: json, name: null, columns: ~'), 'r1.yaml');
    expect(recipe.datasets).toEqual([{ path: 'json', data_files: ['a.jsonl'], split: 'train' }]);
    expect(refusal(() => parseRecipe(data('path: parquet'), 'r1.yaml'))).toBe(
      'r1.yaml, line 3: datasets, entry 1: path is "parquet"; it must be json, so convert the files to JSONL.',
    );
  });

  it('is one document', () => {
    expect(refusal(() => parseRecipe(`${complete}---\nbeta: 1\n`, 'r1.yaml'))).toMatch(
      /^r1\.yaml, line \d+: a second document begins here \(---\); write one recipe in a file\.$/,
    );
  });

  it("knows every key of TRL: none is unknown, with TRL's default or another value", () => {
    for (const [key, value] of Object.entries(trlKeys)) {
      for (const given of [value, 'other']) {
        const known = Object.hasOwn(recipeKeys, key) || otherKey(key, given, new Map(), 'grpo');
        expect(known, key).toBeTruthy();
      }
    }
  });
});

describe('a file in malice', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg', 'ih']) {
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join(', ')}]`);
  }

  it.each<[string, string]>([
    ['aliases of aliases', bomb.join('\n')],
    ['deep lists', `seed: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['deep maps', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['deep blocks', `seed:\n  ${'- '.repeat(20_000)}1`],
    ['much text', 'x'.repeat(300_000)],
    ['many keys', Array.from({ length: 9000 }, (_, i) => `k${i}: 1`).join('\n')],
  ])('is refused in time: %s', (_, text) => {
    const started = performance.now();
    const message = refusal(() => parseRecipe(text, 'my.yaml'));
    expect(message).toMatch(/^my\.yaml/);
    expect(message.length).toBeLessThan(2000);
    // Half a second when nothing else runs.
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
