"""What verl's own configuration makes of the overrides of a train.sh: JSON of each key that they set.

  python check_verl.py -m verl.trainer.main_ppo OVERRIDES

It stands for `python3` where train.sh runs, so it has the same arguments. It needs no card, only
`pip install --no-deps verl==0.9.1` and `pip install hydra-core==1.3.2`: verl's code is not loaded.
"""
import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

assert sys.argv[1:3] == ["-m", "verl.trainer.main_ppo"]
overrides = sys.argv[3:]
verl = Path(importlib.util.find_spec("verl").submodule_search_locations[0])
with initialize_config_dir(str(verl / "trainer" / "config"), version_base=None):
    config = compose("ppo_trainer", overrides)
    # Every reference inside the configuration leads somewhere.
    OmegaConf.to_container(config, resolve=True)
keys = [override.split("=", 1)[0] for override in overrides]
values = {key: OmegaConf.select(config, key) for key in keys}
plain = {key: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for key, v in values.items()}
versions = {name: importlib.metadata.version(name) for name in ("verl", "hydra-core")}
print(json.dumps({"versions": versions, "values": plain}, indent=2))
