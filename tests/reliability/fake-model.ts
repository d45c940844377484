/** The weights of a trainer without a GPU, and how a checkpoint stores them. */
import type { CheckpointFiles } from '../../src/model/checkpoint.ts';
import type { CheckpointFolder } from '../../src/model/files.ts';
import { readSafetensors, writeSafetensors } from '../safetensors.ts';

const SIZE = 24;

export class FakeModel {
  readonly gpu = { info: { description: 'none' } };
  weights: Uint32Array;
  moments = new Uint32Array(SIZE);

  constructor(seed: number) {
    this.weights = Uint32Array.from({ length: SIZE }, (_, i) => Math.imul(i + seed, 0x9e3779b1));
  }

  train(step: number, optimizerSteps: number): void {
    for (let i = 0; i < SIZE; i++) {
      const gradient = Math.imul(this.weights[(i + 1) % SIZE]! ^ step, 0x85ebca6b) + optimizerSteps;
      this.moments[i] = Math.imul(this.moments[i]! ^ gradient, 0xc2b2ae35) + i;
      this.weights[i]! += this.moments[i]! ^ (this.weights[i]! >>> 7);
    }
  }

  get digest(): number {
    return this.weights.reduce((sum, w) => (Math.imul(sum, 31) + w) >>> 0, 7);
  }
}

const tensor = (values: Uint32Array) => ({
  shape: [SIZE],
  values: new Float32Array(values.buffer),
});

async function* inPieces(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += 96) {
    yield await Promise.resolve(bytes.subarray(at, at + 96));
  }
}

/** In the place of trainers/trainer.ts, which moves weights between a card and files. */
export const fakeWeights = {
  trainedFiles: ({ model }: { model: FakeModel }): CheckpointFiles =>
    new Map<string, string | AsyncIterable<Uint8Array<ArrayBuffer>>>([
      ['config.json', '{"model_type":"fake"}\n'],
      ['model.safetensors', inPieces(writeSafetensors(new Map([['w', tensor(model.weights)]])))],
      [
        'optimizer.safetensors',
        inPieces(writeSafetensors(new Map([['m', tensor(model.moments)]]))),
      ],
    ]),
  async restoreTrained(
    { model, optimizer }: { model: FakeModel; optimizer: { steps: number } },
    folder: CheckpointFolder,
    optimizerSteps: number,
  ): Promise<void> {
    const read = async (file: string, name: string): Promise<Uint32Array<ArrayBuffer>> => {
      const source = (await folder.open(file))!;
      const tensors = await readSafetensors(await source.read(), file);
      return new Uint32Array(tensors.get(name)!.slice().buffer);
    };
    model.weights = await read('model.safetensors', 'w');
    model.moments = await read('optimizer.safetensors', 'm');
    optimizer.steps = optimizerSteps;
  },
};
