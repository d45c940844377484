"""The rewards of RLMT (arXiv 2509.20357, eq. 3): they read the prompt and the response, never the thought.

TRL calls each with the completions of its process; the turns of a prompt are a column of train.jsonl.
"""
import functools
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

RUN = json.loads(Path(__file__).with_name("run.json").read_text())
HERE = Path(__file__).parent
THINK_END = "</think>"
AT_ONCE = 32


@functools.cache
def load(kind, folder):
    tokenizer = AutoTokenizer.from_pretrained(HERE / folder)
    device = f"cuda:{torch.cuda.current_device()}" if torch.cuda.is_available() else "cpu"
    model = kind.from_pretrained(HERE / folder, dtype=torch.float32).to(device).eval()
    return model, tokenizer


@functools.cache
def policy_tokenizer():
    return AutoTokenizer.from_pretrained(HERE / "policy")


def responses(completion_ids):
    """What follows the thought. Without its end the whole text counts, or nothing (`malformed: strict`)."""
    tokenizer = policy_tokenizer()
    texts = []
    for ids in completion_ids:
        ids = list(ids)
        if ids and ids[-1] in RUN["stop_ids"]:
            ids.pop()
        text = tokenizer.decode(ids)
        if RUN["thinking"]:
            _, found, after = text.partition(THINK_END)
            text = untagged(after) if found else text if RUN["malformed"] == "lenient" else ""
        texts.append(text.strip())
    return texts


def untagged(text):
    """A base model is asked to put its answer between <response> and </response>."""
    start = "<response>"
    inside = text.lstrip()
    return inside.removeprefix(start).partition("</response>")[0] if inside.startswith(start) else text


def reward_model(completion_ids, turns, **_):
    """The score of a sequence classifier, in its own chat template."""
    model, tokenizer = load(AutoModelForSequenceClassification, "reward_model")
    texts = [
        tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": response}], tokenize=False)
        for asked, response in zip(turns, responses(completion_ids))
    ]
    scores = []
    # A model without a padding token reads one text at a time.
    size = AT_ONCE if model.config.pad_token_id is not None else 1
    for start in range(0, len(texts), size):
        batch = tokenizer(
            texts[start : start + size],
            add_special_tokens=False,
            padding=size > 1,
            padding_side="right",
            return_tensors="pt",
        ).to(model.device)
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        scores += logits[:, 0].tolist()
    return scores


def judge(completion_ids, turns, **_):
    """log p(Yes) - log p(No) of an instruct model's next word, in nats."""
    model, tokenizer = load(AutoModelForCausalLM, "judge")
    yes, no = (tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("Yes", "No"))
    scores = []
    for asked, response in zip(turns, responses(completion_ids)):
        # Both are replaced in one pass, so that "{response}" inside a prompt is not replaced.
        first, *rest = RUN["question"].split("{response}")
        question = response.join(part.replace("{prompt}", readable(asked)) for part in (first, *rest))
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").to(model.device)["input_ids"]
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, -1]
        scores.append((logits[yes] - logits[no]).item())
    return scores


def readable(turns):
    if len(turns) == 1:
        return turns[0]["content"]
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
