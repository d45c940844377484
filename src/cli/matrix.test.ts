import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { recipeYaml } from '../rl/recipe/recipe.ts';
import { matrixCommands, runsTable, trainMatrix, type RunPlace } from './matrix.ts';

let home: string;
let path: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ponder-matrix-'));
  path = join(home, 'grid.yaml');
  await writeFile(
    path,
    'model_name_or_path: m\nreward_model_name_or_path: r\nworld: meal-planner\n' +
      'matrix:\n  seed: [1, 2]\n  lora_target_modules: [all-linear, [q_proj, v_proj]]\n',
  );
});
afterAll(() => rm(home, { recursive: true }));

const NAMES = ['seed-1', 'seed-2'].flatMap((seed) =>
  ['all-linear', 'q_proj+v_proj'].map((modules) => `${seed}_lora_target_modules-${modules}`),
);

describe('many runs of one recipe', () => {
  it('each has a command that a shell reads', async () => {
    await expect(matrixCommands({ path: 'grid.yaml', out: 'x', others: {} })).rejects.toThrow(
      'grid.yaml cannot be read; name a recipe with a matrix.',
    );
    const [first, second] = await matrixCommands({ path, out: 'x', others: { beta: '0' } });
    const start = `npm run -s ponder -- train ${path} --out x/`;
    expect(first).toBe(
      `${start}${NAMES[0]} --seed 1 --lora_target_modules all-linear --beta 0 --resume`,
    );
    const own = join(home, 'own.yaml');
    await writeFile(own, `${await readFile(path, 'utf8')}output_dir: y\n`);
    const commands = await matrixCommands({ path: own, out: undefined, others: {} });
    expect(commands[0]).toContain(` --out y/${NAMES[0]} `);
    expect(second).toContain(` --lora_target_modules '["q_proj","v_proj"]' `);
  });

  it('go on where they stopped, and a run that fails stops no other', async () => {
    const out = join(home, 'runs');
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const trained: string[] = [];
    const failing = new Set([NAMES[1]]);
    const train = async (recipe: Parameters<typeof recipeYaml>[0], place: RunPlace) => {
      const name = place.out.slice(out.length + 1);
      trained.push(name);
      expect(place.resume).toBe(true);
      if (failing.has(name)) throw new Error('no room\nat all');
      await mkdir(place.out, { recursive: true });
      await writeFile(join(place.out, 'recipe.yaml'), recipeYaml(recipe));
      await writeFile(join(place.out, 'summary.json'), '{}');
      return { step: 100, reward: recipe.seed };
    };
    const asked = { path, out, others: {} };
    await expect(trainMatrix(asked, train)).rejects.toThrow(
      `1 of 4 runs failed (see above): ${NAMES[1]}. The same command tries them again`,
    );
    expect(trained).toEqual(NAMES);
    const said = stderr.mock.calls.map(([text]) => String(text));
    expect(said).toContain(`2 of 4: ${NAMES[1]}\n`);
    expect(said).toContain(`ponder: ${NAMES[1]}: no room at all\n`);
    failing.clear();
    const { runs } = await trainMatrix(asked, train);
    stderr.mockRestore();
    expect(trained.slice(4)).toEqual([NAMES[1]]);
    expect(runs[1]!.metrics).toEqual({ step: 100, reward: 1 });
    expect(runsTable(runs)).toMatch(/^run +step +reward\n.*finished before/);
    // What changes no number of a step makes no other run; more steps do.
    await trainMatrix({ ...asked, others: { save_steps: '7' } }, train);
    expect(trained.slice(5)).toEqual([]);
    // Another recipe is another run.
    await trainMatrix({ ...asked, others: { beta: '0', seed: '2' } }, train);
    expect(trained.slice(5)).toEqual([
      'lora_target_modules-all-linear',
      'lora_target_modules-q_proj+v_proj',
    ]);
  });
});
