/** Fields of tokenizer_config.json with which transformers 5.24 makes other tokens, and which are not computed here. */
type Json = Readonly<Record<string, unknown>>;

/** tokenizer.json, tokenizer_config.json and config.json */
type Applies = (json: Json, config: Json, model: Json) => boolean;

const SETTINGS: readonly { name: string; effect: string; applies: Applies }[] = [
  {
    name: 'split_special_tokens',
    effect: 'special tokens of a chat template are cut into pieces',
    applies: (_, { split_special_tokens }) => Boolean(split_special_tokens),
  },
  {
    name: 'fast_tokenizer_files',
    effect: 'another file takes the place of tokenizer.json',
    applies: (_, { fast_tokenizer_files: files }) =>
      Array.isArray(files) && files.some((name) => name !== 'tokenizer.json'),
  },
  {
    // `_patch_mistral_regex` in tokenization_utils_tokenizers.py
    name: 'fix_mistral_regex',
    effect: 'texts are cut into words in another way',
    applies: ({ model: own, pre_tokenizer }, { fix_mistral_regex }, model) => {
      const { vocab } = own as { vocab?: object };
      const isOld = !(parseInt(String(model.transformers_version)) >= 5);
      const isMistral = (model.model_type ?? 'mistral') === 'mistral';
      const isLarge = Object.keys(vocab ?? {}).length > 100_000;
      return fix_mistral_regex === true && isOld && isMistral && isLarge && pre_tokenizer !== null;
    },
  },
];

/** @returns the first one that is set and what it does */
export function unreadSetting(
  json: Json,
  config: Json,
  model: Json,
): { name: string; effect: string } | undefined {
  return SETTINGS.find(({ applies }) => applies(json, config, model));
}
