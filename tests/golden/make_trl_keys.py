"""Writes src/rl/recipe/trl-keys.ts: every key that a TRL recipe can have, with TRL's default.

    pip install trl==1.16.0 peft==0.21.2 transformers==5.24.0
    python tests/golden/make_trl_keys.py && npx prettier --write src/rl/recipe/trl-keys.ts

The keys are the fields of TRL's configs. A default that a field computes later is null here. Where two configs have
one key, its default is that of GRPOConfig; those of the others stand by algorithm.
"""

import dataclasses
import json
from pathlib import Path

from trl import DPOConfig, GRPOConfig, ModelConfig, RewardConfig, ScriptArguments, SFTConfig

CONFIGS = (GRPOConfig, SFTConfig, RewardConfig, DPOConfig, ModelConfig, ScriptArguments)


def default(field):
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return None
    value = getattr(value, "value", value)  # of an enumeration
    try:
        return json.loads(json.dumps(value))
    except TypeError:
        return None


keys = {}
for config in CONFIGS:
    for field in dataclasses.fields(config):
        keys.setdefault(field.name, default(field))

own = {}
for algorithm, config in {"sft": SFTConfig, "reward": RewardConfig, "dpo": DPOConfig}.items():
    defaults = {field.name: default(field) for field in dataclasses.fields(config)}
    own[algorithm] = {k: v for k, v in sorted(defaults.items()) if v != keys[k]}

names = [{field.name for field in dataclasses.fields(config)} for config in CONFIGS]
only_grpo = sorted(names[0].difference(*names[1:]))

path = Path(__file__).parents[2] / "src/rl/recipe/trl-keys.ts"
header = """/**
 * Every key of TRL 1.16's GRPOConfig, SFTConfig, RewardConfig, DPOConfig, ModelConfig and ScriptArguments
 * with its default. Made by tests/golden/make_trl_keys.py.
 */
export const trlKeys: Readonly<Record<string, unknown>> = """
others = """

/** The defaults of SFTConfig, RewardConfig and DPOConfig that are not those of `trlKeys`. */
export const trlKeysOf: Readonly<Record<string, Readonly<Record<string, unknown>>>> = """
grpo = """

/** Keys that only GRPOConfig has. */
export const grpoKeys: readonly string[] = """
parts = (header, dict(sorted(keys.items())), others, own, grpo, only_grpo)
text = "".join(part if isinstance(part, str) else json.dumps(part, indent=2) + ";" for part in parts)
path.write_text(text + "\n")
print(len(keys), "keys")
