/** `ponder train` goes on with a new device when one is lost, and says so; without a graphics device. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { train } from '../../src/cli/train.ts';
import { GpuLostError } from '../../src/gpu/errors.ts';
import type { Recipe } from '../../src/rl/recipe/recipe.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { FakeTrainer } from '../reliability/fake-trainer.ts';
import { written } from '../reliability/written.ts';

const devices = vi.hoisted(() => ({ opened: 0, closed: 0, loseIn: [] as number[] }));

vi.mock('../../src/rl/trainers/trainer.ts', async (original) => {
  const { fakeWeights } = await import('../reliability/fake-model.ts');
  return { ...(await original<object>()), ...fakeWeights };
});
vi.mock('../../src/cli/open.ts', async (original) => ({
  ...(await original<object>()),
  nodeSurroundings: () => {
    devices.opened++;
    const close = (): void => {
      devices.closed++;
    };
    return Promise.resolve({ close });
  },
}));
vi.mock('../../src/cli/room.ts', () => ({ refuseFullDisk: () => Promise.resolve() }));
vi.mock('../../src/app/opening/trainer.ts', () => ({
  openTrainer: (recipe: Recipe) => {
    const trainer = new FakeTrainer(recipe);
    const trainStep = trainer.trainStep.bind(trainer);
    trainer.trainStep = () => {
      if (devices.loseIn[0] !== trainer.step + 1) return trainStep();
      devices.loseIn.shift();
      return Promise.reject(new GpuLostError('The graphics device was lost (test).'));
    };
    return Promise.resolve({ trainer, tokenizerFiles: new Map() });
  },
}));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await writeFile(
    join(root, 'recipe.yaml'),
    'algorithm: ppo\nworld: meal-planner\nmodel_name_or_path: model\n' +
      'reward_model_name_or_path: judge\nmax_steps: 6\nsave_steps: 2\n',
  );
});
afterAll(() => rm(root, { recursive: true }));

const said: string[] = [];
beforeEach(() => {
  said.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});

async function run(name: string, loseIn: number[]): Promise<string> {
  Object.assign(devices, { opened: 0, closed: 0, loseIn });
  return train.run([join(root, 'recipe.yaml'), '--out', join(root, name)], true);
}

it('goes on from the last checkpoint, says so, and gives the numbers of a run without a loss', async () => {
  await run('whole', []);
  expect(said).toEqual([]);
  expect(JSON.parse(await run('hurt', [1, 4, 3, 6]))).toMatchObject({ step: 6 });
  expect(devices).toEqual({ opened: 5, closed: 5, loseIn: [] });
  const out = join(root, 'hurt');
  const lost = (n: number): string =>
    `${out}: The graphics device was lost; opening a new one (${n} of 3). ` +
    'The run goes on from its last checkpoint.\n';
  expect(said).toEqual([lost(1), lost(1), lost(2), lost(1)]);
  const of = (name: string) => written(nodeRunFolder(join(root, name)));
  expect(await of('hurt')).toEqual(await of('whole'));
}, 20_000);

it('gives up after three losses without a step between, and says what to change', async () => {
  await expect(run('hopeless', [3, 3, 3, 3])).rejects.toThrow(
    /^The graphics device was lost several times.*Choose a smaller.*from the last checkpoint\.$/,
  );
  expect(devices).toMatchObject({ opened: 4, closed: 4 });
  // What was done stays.
  expect(await run('hopeless', []).catch(String)).toMatch(
    /already holds a run, saved after step 2; add --resume/,
  );
}, 20_000);
