/**
 * Tensor names as training libraries write them. torch.compile, data parallelism, FSDP, peft and TRL add
 * segments to Hugging Face's names, and the bare decoder lacks the first one ("model."):
 * module._orig_mod.model.layers.0.mlp.up_proj.weight, layers.0.mlp.up_proj.weight.
 */
const WRAPPERS: ReadonlySet<string> = new Set([
  'base_model',
  'model',
  'language_model',
  'pretrained_model',
  '_orig_mod',
  'module',
  '_fsdp_wrapped_module',
  '_checkpoint_wrapped_module',
]);

/** A name without the segments of wrappers. */
export function plainName(name: string): string {
  return name
    .split('.')
    .filter((segment) => !WRAPPERS.has(segment))
    .join('.');
}

/**
 * How a file's names are read: a name of the model as it is, any other as the name of the model with
 * the same segments but for wrappers. A name that the model does not have stays.
 * @param names of the model
 */
export function nameReader(names: Iterable<string>): (name: string) => string {
  const byPlainName = new Map([...names].map((name) => [plainName(name), name]));
  return (name) => byPlainName.get(plainName(name)) ?? name;
}
