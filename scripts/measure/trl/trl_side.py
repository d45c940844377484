"""TRL's side of scripts/measure/trl: GRPO steps and matrix products on a CPU, one for each line of stdin.

  python trl_side.py PROMPTS.jsonl POLICY REWARD

Lines in: "step", or "matmul LAYOUT SIZE COUNT". For each of them one line of JSON goes out.
"""
import json
import re
import sys
import tempfile
import time

# What libraries print must not mix with the answers.
answers, sys.stdout = sys.stdout, sys.stderr

import torch
import transformers
import trl
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

prompts, policy, reward_path = sys.argv[1:]
reward_model = AutoModelForSequenceClassification.from_pretrained(reward_path, dtype=torch.float32)
reward_model.eval()
reward_tokenizer = AutoTokenizer.from_pretrained(reward_path)


def response_only(prompts, completions, **_):
    """The reward model reads the response without the thought, in its own template."""
    texts = []
    for prompt, completion in zip(prompts, completions):
        text = completion[0]["content"]
        _, end, response = text.partition("</think>")
        # As Ponder's `malformed: lenient`: without a delimiter the whole text is the response.
        response = response if end else re.sub(r"^\s*<think>", "", text)
        turns = [*prompt, {"role": "assistant", "content": response.strip()}]
        texts.append(reward_tokenizer.apply_chat_template(turns, tokenize=False))
    with torch.no_grad():
        batch = reward_tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        batch.pop("token_type_ids", None)
        return reward_model(**batch).logits[:, 0].tolist()


def answer(value):
    print(json.dumps(value), file=answers, flush=True)


def matmul(layout, size, count):
    a, b = torch.randn(size, size), torch.randn(size, size)
    a, b = (a.T if layout == "tn" else a), (b.T if layout == "nt" else b)
    torch.matmul(a, b)
    started = time.perf_counter()
    for _ in range(count):
        torch.matmul(a, b)
    return (time.perf_counter() - started) / count


class Commands(TrainerCallback):
    """Answers lines until the next one asks for a step."""

    def on_step_begin(self, args, state, control, **_):
        for line in sys.stdin:
            name, *rest = line.split()
            if name == "step":
                break
            layout, size, count = rest
            answer({"seconds": matmul(layout, int(size), int(count))})
        else:
            raise SystemExit
        self.started = time.perf_counter()

    def on_log(self, args, state, control, logs, **_):
        if "completions/mean_length" in logs:
            answer({"seconds": time.perf_counter() - self.started, "metrics": logs})


with tempfile.TemporaryDirectory() as folder:
    config = GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1,
        seed=0,
        max_steps=150,
        per_device_train_batch_size=128,
        num_generations=8,
        max_completion_length=76,
        temperature=1.0,
        learning_rate=3e-4,
        lr_scheduler_type="cosine",
        warmup_steps=10,
        adam_beta2=0.95,
        beta=0.04,
        shuffle_dataset=False,
        model_init_kwargs={"dtype": "float32"},
        chat_template_kwargs={"enable_thinking": True},
    )
    trainer = GRPOTrainer(
        model=policy,
        args=config,
        reward_funcs=response_only,
        train_dataset=load_dataset("json", data_files=prompts, split="train"),
        processing_class=AutoTokenizer.from_pretrained(policy, padding_side="left"),
        callbacks=[Commands()],
    )
    answer(
        {
            "device": f"{torch.get_num_threads()} threads",
            "versions": {module.__name__: module.__version__ for module in (trl, torch, transformers)},
        }
    )
    trainer.train()
