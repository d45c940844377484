import { describe, expect, it } from 'vitest';
import { dataAmong, modelsAmong } from './dropped-models.ts';

const dropped = (...paths: string[]): Map<string, File> =>
  new Map(paths.map((path) => [path, new File([], path.slice(path.lastIndexOf('/') + 1))]));

const found = (...paths: string[]): Record<string, string[]> =>
  Object.fromEntries(
    modelsAmong(dropped(...paths)).map(({ name, files }) => [name, [...files.keys()]]),
  );

describe('what is dropped', () => {
  it('may be several models, sharded or not, and adapters', () => {
    expect(
      found(
        ...['all/one/config.json', 'all/one/model.safetensors', 'all/one/README.md'],
        ...['all/two/config.json', 'all/two/model.safetensors.index.json'],
        ...['all/two/model-00001-of-00001.safetensors'],
        ...['lora/adapter_config.json', 'lora/adapter_model.safetensors'],
      ),
    ).toEqual({
      one: ['config.json', 'model.safetensors'],
      two: ['config.json', 'model.safetensors.index.json', 'model-00001-of-00001.safetensors'],
      lora: ['adapter_config.json', 'adapter_model.safetensors'],
    });
  });

  it('may be loose files, named after their weights', () => {
    const rest = ['config.json', 'tokenizer.json'];
    expect(Object.keys(found('tiny-story.safetensors', ...rest))).toEqual(['tiny-story']);
    expect(Object.keys(found('model.safetensors', ...rest))).toEqual(['my-model']);
    expect(Object.keys(found('adapter_config.json'))).toEqual(['my-adapter']);
  });

  it('may be an output of TRL: its end counts, or its last whole checkpoint', () => {
    const at = (...folders: string[]): string[] =>
      folders.flatMap((folder) => [`${folder}config.json`, `${folder}model.safetensors`]);
    const names = (...paths: string[]): string[] => Object.keys(found(...paths));
    expect(names(...at('output/', 'output/checkpoint-9/'))).toEqual(['output']);
    expect(names(...at('output/checkpoint-9/', 'output/checkpoint-10/'))).toEqual([
      'output-step-10',
    ]);
    expect(names('out/checkpoint-3/config.json', ...at('out/checkpoint-2/'))).toEqual([
      'out-step-2',
    ]);
    expect(names(...at('checkpoint-2/'))).toEqual(['my-run-step-2']);
    // The model that training began with is another one.
    expect(names(...at('all/policy/', 'all/output/checkpoint-2/'))).toEqual([
      'policy',
      'output-step-2',
    ]);
  });

  it('may be a run: its last checkpoint counts, without the files that only the run needs', () => {
    const step = (n: number): string[] =>
      ['config.json', 'model.safetensors', 'optimizer.safetensors', 'trainer_state.json'].map(
        (name) => `mine/checkpoints/step-${n}/${name}`,
      );
    expect(found('mine/recipe.yaml', ...step(9), ...step(10))).toEqual({
      'mine-step-10': ['config.json', 'model.safetensors'],
    });
    // The page compares the files with it, as the command line does, and does not store it.
    const [model] = modelsAmong(dropped(...step(10)));
    expect(model!.state?.name).toBe('trainer_state.json');
    expect(modelsAmong(dropped('m/config.json'))[0]).not.toHaveProperty('state');
  });

  it('is one model when other formats lie inside it', () => {
    const names = found('m/config.json', 'm/model.safetensors', 'm/onnx/config.json', 'm/x/a.gguf');
    expect(Object.keys(names)).toEqual(['m']);
  });

  it('keeps the chat templates of a folder inside, and nothing else of such folders', () => {
    const own = ['config.json', 'model.safetensors', 'additional_chat_templates/rag.jinja'];
    const rest = ['runs/events.json', 'original/params.json', '1_Pooling/config.json'];
    const beside = ['rag.jinja', 'README.md', 'checkpoint/additional_chat_templates/x.jinja'];
    const paths = [...own, ...rest, ...beside];
    expect(found(...paths.map((name) => `all/m/${name}`))).toEqual({ m: [...own, 'rag.jinja'] });
    expect(found(...own)).toEqual({ 'my-model': own });
  });

  it('may be an incomplete model, so that the refusal can say what is missing', () => {
    expect(found('m/config.json')).toEqual({ m: ['config.json'] });
    expect(found('m/tiny.gguf')).toEqual({ m: ['tiny.gguf'] });
    expect(found('m/config.json', 'm/pytorch_model.bin')).toEqual({
      m: ['config.json', 'pytorch_model.bin'],
    });
    const adapter = ['adapter_config.json', 'adapter_model.bin'];
    expect(found(...adapter.map((name) => `a/${name}`))).toEqual({ a: adapter });
  });

  it('is data if nothing else was dropped', () => {
    const names = (...paths: string[]): string[] => dataAmong(dropped(...paths)).map((f) => f.name);
    expect(names('prompts.jsonl', 'rules/short.js')).toEqual(['prompts.jsonl', 'short.js']);
    expect(names('alpaca_eval.json')).toEqual(['alpaca_eval.json']);
    expect(names('config.json')).toEqual([]);
    expect(names('m/generation_config.json', 'm/merges.txt')).toEqual([]);
    expect(names('prompts.jsonl', 'photo.jpg')).toEqual([]);
    expect(found('prompts.jsonl', 'rules/short.js')).toEqual({});
  });
});
