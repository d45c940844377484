"""Outputs of TRL for back.test.ts, without the weights of whole models.

  node --import ./scripts/typescript.mjs tests/handover/make-run.ts RUN
  npm run ponder -- export RUN --to trl --out FOLDER
  python make_output.py FOLDER tests/handover/trl-output      needs FOLDER/requirements.txt; run once, by hand

handed-over    what train.py wrote: three steps, and an evaluation after the second
conversations  GRPOTrainer alone: prompts as turns, two rewards with weights, another chat template
adapter        GRPOTrainer with a new adapter of peft, stopped before its end
"""
import importlib
import json
import os
import shutil
import sys
from pathlib import Path

import datasets
import peft
import transformers
import trl

folder, out = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
os.chdir(folder)
sys.path.insert(0, ".")
rewards = importlib.import_module("rewards")
SMALL = {".json", ".jinja", ".parquet"}
ARGUMENTS = {
    **{"use_cpu": True, "bf16": False, "report_to": "none", "logging_steps": 1, "log_completions": True},
    **{"per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 48, "save_steps": 1},
    **{"gradient_checkpointing": False, "learning_rate": 3e-4, "seed": 3, "max_steps": 2, "temperature": 1.0},
}


def keep(source, name, more=()):
    """Copies the small files; a checkpoint's tokenizer is that of the whole output."""
    shutil.rmtree(out / name, ignore_errors=True)
    for path in sorted(Path(source).rglob("*")):
        at = path.relative_to(source)
        twice = len(at.parts) > 1 and at.parts[0].startswith("checkpoint") and at.name.startswith("tokenizer")
        if path.is_file() and (path.suffix in SMALL or path.name in more) and not twice:
            (out / name / at).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, out / name / at)


def handed_over():
    train = importlib.import_module("train")
    rows = Path("train.jsonl").read_text().splitlines(keepends=True)
    Path("test.jsonl").write_text("".join(rows[-2:]))
    train.RUN["test"] = True
    evaluation = ["--eval_strategy", "steps", "--eval_steps", "2", "--per_device_eval_batch_size", "16"]
    sys.argv = ["train.py", "--config", "recipe.yaml", "--use_cpu", "true", "--save_steps", "3", *evaluation]
    train.main()
    keep("output", "handed-over")


def short(completion_ids, **_):
    return [-len(ids) / 10 for ids in completion_ids]


def conversations():
    tokenizer = transformers.AutoTokenizer.from_pretrained("policy")
    tokenizer.chat_template = "{# changed #}" + tokenizer.chat_template
    data = datasets.load_dataset("json", data_files="train.jsonl", split="train")
    trainer = trl.GRPOTrainer(
        model=transformers.AutoModelForCausalLM.from_pretrained("policy"),
        args=trl.GRPOConfig(output_dir="conversations", reward_weights=[1.0, 0.5], **ARGUMENTS),
        train_dataset=data.map(lambda row: {"prompt": row["turns"]}),
        reward_funcs=[rewards.reward_model, short],
        processing_class=tokenizer,
    )
    trainer.train()
    keep("conversations", "conversations")


def adapter():
    trainer = trl.GRPOTrainer(
        model=transformers.AutoModelForCausalLM.from_pretrained("policy"),
        args=trl.GRPOConfig(output_dir="adapter", **ARGUMENTS),
        train_dataset=datasets.load_dataset("json", data_files="train.jsonl", split="train"),
        reward_funcs=[rewards.reward_model],
        processing_class=transformers.AutoTokenizer.from_pretrained("policy"),
        peft_config=peft.LoraConfig(r=1, target_modules=["q_proj"], task_type="CAUSAL_LM"),
    )
    trainer.train()
    shutil.rmtree("adapter/checkpoint-1")
    keep("adapter", "adapter", ["adapter_model.safetensors"])


handed_over()
conversations()
adapter()
