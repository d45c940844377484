"""Writes src/rl/recipe/trl-keys.json: every key that a TRL recipe can have, with TRL's default.

    pip install trl==1.16.0 peft && python tests/golden/make_trl_keys.py

The keys are the fields of TRL's configs. A default that a field computes later is null here.
"""

import dataclasses
import json
from pathlib import Path

from trl import DPOConfig, GRPOConfig, ModelConfig, RewardConfig, ScriptArguments, SFTConfig
from trl.experimental.ppo import PPOConfig

CONFIGS = {"grpo": GRPOConfig, "sft": SFTConfig, "reward": RewardConfig, "dpo": DPOConfig, "ppo": PPOConfig}


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
for config in (*CONFIGS.values(), ModelConfig, ScriptArguments):
    for field in dataclasses.fields(config):
        keys.setdefault(field.name, default(field))

path = Path(__file__).parents[2] / "src/rl/recipe/trl-keys.json"
path.write_text(json.dumps(dict(sorted(keys.items())), indent=2) + "\n")
print(len(keys), "keys")
