"""What accelerate makes of the commands in a README.md that `ponder export --to trl` wrote: JSON.

  python check_accelerate.py FOLDER        needs FOLDER/requirements.txt and deepspeed==0.19.8; no card

Each `accelerate launch` command, with N = 2, goes through accelerate's own parser, its loader of config files and
its checks, and its plugin for DeepSpeed or FSDP reads what the launcher hands to the processes. What DeepSpeed gets
must agree with the arguments that TRL's parser reads from recipe.yaml. A config with an unknown key must be refused.
"""
import importlib
import importlib.metadata
import json
import os
import re
import shlex
import sys
from pathlib import Path

from accelerate import utils
from accelerate.commands import launch
from accelerate.commands.config.config_args import load_config_from_file
from transformers.integrations.deepspeed import HfTrainerDeepSpeedConfig

os.chdir(sys.argv[1])
sys.path.insert(0, ".")
algorithm = json.loads(Path("run.json").read_text())["algorithm"]
parser = importlib.import_module(f"trl.scripts.{algorithm}").make_parser()
_, arguments, *_ = parser.parse_args_and_config(["--config", "recipe.yaml", "--use_cpu", "true"])
readme = Path("README.md").read_text()
result = {}
for command in re.findall(r"`accelerate launch ([^`]*config recipe[^`]*)`", readme):
    words = shlex.split(re.sub(r"\bN\b", "2", command))
    args, defaults, _ = launch._validate_launch_command(launch.launch_command_parser().parse_args(words))
    found = {"num_processes": args.num_processes, "mixed_precision": args.mixed_precision}
    if args.use_fsdp:
        os.environ.update(launch.prepare_multi_gpu_env(args))
        plugin = utils.FullyShardedDataParallelPlugin()
        found["fsdp"] = {
            "version": plugin.fsdp_version,
            "reshard_after_forward": plugin.reshard_after_forward,
            "state_dict_type": plugin.state_dict_type.name,
        }
    elif args.use_deepspeed:
        args.deepspeed_fields_from_accelerate_config = ",".join(defaults.deepspeed_config)
        os.environ.update(launch.prepare_deepspeed_cmd_env(args)[1])
        plugin = utils.DeepSpeedPlugin()
        # As TrainingArguments does.
        plugin.set_mixed_precision("bf16" if arguments.bf16 else os.environ["ACCELERATE_MIXED_PRECISION"])
        config = HfTrainerDeepSpeedConfig(plugin.hf_ds_config.config)
        config.trainer_config_process(arguments)
        found["deepspeed"] = {**plugin.deepspeed_config["zero_optimization"], "disagrees": config.mismatches}
    else:
        found["multi_gpu"] = args.multi_gpu
    result[" ".join(words)] = found
for name in ("deepspeed.yaml", "fsdp.yaml"):
    broken = Path(name).with_stem("broken")
    broken.write_text(Path(name).read_text() + "num_procesess: 8\n")
    try:
        load_config_from_file(str(broken))
        sys.exit(f"{name} with an unknown key was not refused")
    except ValueError as error:
        assert "num_procesess" in str(error)
    finally:
        broken.unlink()
versions = {"accelerate": importlib.metadata.version("accelerate")}
print(json.dumps({"versions": versions, "commands": result}, indent=2))
