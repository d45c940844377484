"""What TRL made of a run that was handed over to it, for trl.test.ts.

  node --import ./scripts/typescript.mjs tests/handover/make-run.ts RUN CASE
  npm run ponder -- export RUN --to trl --out FOLDER
  python make_trl.py FOLDER CASE OUT.json      needs FOLDER/requirements.txt; run once for each case, by hand
  accelerate launch --multi_gpu --num_processes 2 make_trl.py FOLDER CASE OUT.json \\
    --per_device_train_batch_size 8 --ddp_backend gloo

TRL runs unchanged, from FOLDER/train.py; what it sampled and what came of it is written down. If OUT.json
has the case, its samples take the place of new ones, and the difference to its numbers is printed: two processes
must give the numbers of one. With --config_file FOLDER/deepspeed.yaml in place of --multi_gpu (deepspeed 0.19.8,
DS_ACCELERATOR=cpu) the first step must, because Adam's moments start anew. accelerate leaves FSDP out on CPUs.
"""
import importlib
import json
import os
import sys
from pathlib import Path

import trl

folder, case, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).resolve()
os.chdir(folder)
sys.path.insert(0, ".")
sampled = []
generate = trl.GRPOTrainer._generate_and_score_completions
generate_turn = trl.GRPOTrainer._generate_single_turn
calculate = trl.GRPOTrainer._calculate_rewards


def recorded(self, inputs):
    outputs = generate(self, inputs)
    rows = zip(outputs["completion_ids"].tolist(), outputs["completion_mask"].tolist())
    sampled.append(
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
    self.recorded_rewards = (rewards * self.reward_weights.to(rewards)).sum(1).tolist()
    return rewards


def replayed(self, prompt_ids, *args):
    steps = golden["runs"][case]
    # Some cases have the first steps only.
    if self.state.global_step >= len(steps):
        return generate_turn(self, prompt_ids, *args)
    first = len(prompt_ids) * self.accelerator.process_index
    return steps[self.state.global_step]["ids"][first : first + len(prompt_ids)], None


golden = json.loads(out.read_text()) if out.exists() else {"runs": {}}
if case in golden["runs"]:
    trl.GRPOTrainer._generate_single_turn = replayed
trl.GRPOTrainer._generate_and_score_completions = recorded
trl.GRPOTrainer._calculate_rewards = rewarded
sys.argv = ["train.py", "--config", "recipe.yaml", "--use_cpu", "true", *sys.argv[4:]]
importlib.import_module("train").main()
states = sorted(Path("output").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
logs = json.loads((states[-1] / "trainer_state.json").read_text())["log_history"]
KEYS = ("loss", "grad_norm", "kl", "learning_rate")
numbers = [{key: log[key] for key in KEYS if key in log} for log in logs if "loss" in log]
if case in golden["runs"]:
    for step, want in zip(numbers, golden["runs"][case]):
        print({key: abs(step[key] - want[key]) for key in step}, file=sys.stderr)
    sys.exit()
steps = [{**samples, **step} for samples, step in zip(sampled or [{}] * len(numbers), numbers, strict=True)]
versions = {module.__name__: module.__version__ for module in map(importlib.import_module, ("trl", "transformers", "torch"))}
out.write_text(json.dumps({"versions": versions, "runs": {**golden["runs"], case: steps}}, separators=(",", ":")) + "\n")
