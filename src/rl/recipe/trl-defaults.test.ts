/** Defaults that are not TRL's are told: in recipes/README.md, and to whoever brings a recipe of TRL. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { complete } from '../../../tests/complete-recipe.ts';
import { parseRecipe } from './recipe.ts';
import { algorithms } from './spec.ts';
import { inWords, otherDefaults } from './trl-defaults.ts';

it('recipes/README.md has every default that is not that of TRL, and no other', () => {
  const rows = new Map<string, string[]>();
  for (const algorithm of algorithms) {
    for (const { key, here, trl } of otherDefaults(algorithm)) {
      const row = `| ${inWords(here)} | ${inWords(trl)} |`;
      rows.set(`\`${key}\` ${row}`, [...(rows.get(`\`${key}\` ${row}`) ?? []), algorithm]);
    }
  }
  const table = [...rows].map(([row, of]) => `| ${row.replace(' |', ` | ${of.join(', ')} |`)}`);
  const text = readFileSync('recipes/README.md', 'utf8');
  const [, section = ''] = /\n## Defaults that are not TRL's\n(.*?)\n## /s.exec(text) ?? [];
  const written = section.split('\n').filter((line) => line.startsWith('| `'));
  expect(written.sort()).toEqual(table.sort());
});

describe('a recipe with keys that only TRL has', () => {
  const noticesOf = (more: string): readonly string[] =>
    parseRecipe(`${complete}${more}`, 'my.yaml').notices;

  it('is told which keys it leaves out whose default is another', () => {
    expect(noticesOf('report_to: none\nsave_steps: 500\nlog_completions: false\n')).toEqual([
      'my.yaml: not used here: report_to.',
      'my.yaml: these keys are not set, and their defaults are not those of TRL 1.16: ' +
        'gradient_checkpointing false (TRL true), lr_scheduler_type constant (TRL linear), ' +
        'max_completion_length 256 (TRL 512), beta 0.001 (TRL 0), use_bias_correction_kl false (TRL true).',
    ]);
  });

  it('is told of keys that need another one only with that', () => {
    expect(noticesOf('report_to: none\nbeta: 0\n')[1]).not.toMatch(
      /use_bias|lora_target|eval_steps/,
    );
    const more = 'report_to: none\nuse_peft: true\neval_strategy: steps\n';
    expect(noticesOf(more)[1]).toMatch(
      /lora_target_modules all-linear \(TRL not set\).* eval_steps 25 \(TRL not set\)/,
    );
  });

  it('of another algorithm has the defaults of that', () => {
    const sft = 'algorithm: sft\nmodel_name_or_path: m\nworld: meal-planner\nreport_to: none\n';
    const { notices } = parseRecipe(
      `${sft}loss_type: nll\nshuffle_dataset: false\nlearning_rate: 1e-3\n`,
      'my.yaml',
    );
    expect(notices[0]).toMatch(
      /^my\.yaml: not used here: report_to, loss_type .*, shuffle_dataset /,
    );
    expect(notices[1]).toMatch(
      /: max_steps 100 \(TRL -1\), .* lr_scheduler_type cosine \(TRL linear\), warmup_ratio 0\.1 \(TRL 0\)\.$/,
    );
  });

  it('may shuffle the data or not: their order is Ponder’s own', () => {
    const sft = 'algorithm: sft\nmodel_name_or_path: m\nworld: meal-planner\n';
    const { notices } = parseRecipe(`${sft}shuffle_dataset: true\n`, 'my.yaml');
    expect(notices[0]).toMatch(/not used here: shuffle_dataset \(this value changes nothing\)/);
  });

  it('of Ponder, without such keys, is told nothing', () => {
    expect(noticesOf('')).toEqual([]);
  });
});
