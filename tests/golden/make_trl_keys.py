"""Writes src/rl/recipe/trl-keys.ts: every key that a TRL recipe can have, with TRL's default.

    pip install trl==1.16.0 peft==0.21.2 transformers==5.24.0
    python tests/golden/make_trl_keys.py && npx prettier --write src/rl/recipe/trl-keys.ts

The keys are the fields of TRL's configs. A default that a field computes later is null here.
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

path = Path(__file__).parents[2] / "src/rl/recipe/trl-keys.ts"
header = """/**
 * Every key of TRL 1.16's GRPOConfig, SFTConfig, RewardConfig, DPOConfig, ModelConfig and ScriptArguments
 * with its default. Made by tests/golden/make_trl_keys.py.
 */
export const trlKeys: Readonly<Record<string, unknown>> = """
path.write_text(header + json.dumps(dict(sorted(keys.items())), indent=2) + ";\n")
print(len(keys), "keys")
