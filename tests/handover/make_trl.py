"""What TRL made of a run that was handed over to it, for trl.test.ts.

  node --import ./scripts/typescript.mjs tests/handover/make-run.ts RUN
  npm run ponder -- export RUN --to trl --out FOLDER
  python make_trl.py FOLDER OUT.json      needs FOLDER/requirements.txt; run once, by hand
  torchrun --nproc_per_node 2 make_trl.py FOLDER OUT.json --per_device_train_batch_size 8 --ddp_backend gloo

TRL runs unchanged, from FOLDER/train.py; what it sampled and what came of it is written down. If OUT.json
exists, its samples take the place of new ones, and the difference to its numbers is printed: two processes
must give the numbers of one. (`accelerate launch --cpu --num_processes 2` starts two trainings that know nothing
of each other.)
"""
import importlib
import json
import os
import sys
from pathlib import Path

import trl

folder, out = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
os.chdir(folder)
sys.path.insert(0, ".")
steps = []
original = trl.GRPOTrainer._generate_and_score_completions
calculate = trl.GRPOTrainer._calculate_rewards


def recorded(self, inputs):
    outputs = original(self, inputs)
    rows = zip(outputs["completion_ids"].tolist(), outputs["completion_mask"].tolist())
    steps.append(
        {
            "prompts": [row["turns"][-1]["content"] for row in inputs],
            "ids": [[i for i, kept in zip(ids, mask) if kept] for ids, mask in rows],
            "rewards": self.recorded_rewards,
            "advantages": outputs["advantages"].tolist(),
        }
    )
    return outputs


def rewarded(self, *args):
    rewards = calculate(self, *args)
    self.recorded_rewards = rewards[:, 0].tolist()
    return rewards


def replayed(self, prompt_ids, *args):
    first = len(prompt_ids) * self.accelerator.process_index
    ids = golden["steps"][self.state.global_step]["ids"][first : first + len(prompt_ids)]
    return ids, None


golden = json.loads(out.read_text()) if out.exists() else None
if golden:
    trl.GRPOTrainer._generate_single_turn = replayed
trl.GRPOTrainer._generate_and_score_completions = recorded
trl.GRPOTrainer._calculate_rewards = rewarded
sys.argv = ["train.py", "--config", "recipe.yaml", "--use_cpu", "true", "--log_completions", "false", *sys.argv[3:]]
importlib.import_module("train").main()
states = sorted(Path("output").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
logs = json.loads((states[-1] / "trainer_state.json").read_text())["log_history"]
for step, log in zip(steps, logs):
    step.update({key: log[key] for key in ("loss", "grad_norm", "kl", "learning_rate")})
if golden:
    for step, want in zip(steps, golden["steps"]):
        print({key: abs(step[key] - want[key]) for key in ("loss", "grad_norm", "kl")}, file=sys.stderr)
    sys.exit()
versions = {module.__name__: module.__version__ for module in map(importlib.import_module, ("trl", "transformers", "torch"))}
out.write_text(json.dumps({"versions": versions, "steps": steps}, separators=(",", ":")) + "\n")
