"""The rewards of RLMT (arXiv 2509.20357, eq. 3): they read the prompt and the response, never the thought.

Each takes the turns of the prompts, the responses and the other columns of the data (JSON), one of each for
a completion, and returns one number for each.
"""
import functools
import importlib.util
import json
from pathlib import Path

HERE = Path(__file__).parent
RUN = json.loads((HERE / "run.json").read_text())
THINK_END = "</think>"
# What JavaScript calls white space.
SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
AT_ONCE = 32


def response_in(text):
    """What follows the thought. Without its end the whole text counts, or nothing (`malformed: strict`)."""
    if RUN["thinking"]:
        _, found, after = text.partition(THINK_END)
        text = untagged(after) if found else text if RUN["malformed"] == "lenient" else ""
    return text.strip(SPACE)


def untagged(text):
    """A base model is asked to put its answer between <response> and </response>."""
    start = "<response>"
    inside = text.lstrip(SPACE)
    return inside.removeprefix(start).partition("</response>")[0] if inside.startswith(start) else text


@functools.cache
def load(kind, folder):
    # Imported here, so that rules alone need neither.
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(HERE / folder)
    device = f"cuda:{torch.cuda.current_device()}" if torch.cuda.is_available() else "cpu"
    model = getattr(transformers, kind).from_pretrained(HERE / folder, dtype=torch.float32)
    return model.to(device).eval().requires_grad_(False), tokenizer


def reward_model(turns, responses, rows):
    """The score of a sequence classifier, in its own chat template."""
    model, tokenizer = load("AutoModelForSequenceClassification", "reward_model")
    texts = [
        tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": response}], tokenize=False)
        for asked, response in zip(turns, responses)
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
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        scores += logits[:, 0].tolist()
    return scores


def judge(turns, responses, rows):
    """log p(Yes) - log p(No) of an instruct model's next word, in nats."""
    model, tokenizer = load("AutoModelForCausalLM", "judge")
    yes, no = (tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("Yes", "No"))
    scores = []
    for asked, response in zip(turns, responses):
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
        logits = model(input_ids=ids).logits[0, -1]
        scores.append((logits[yes] - logits[no]).item())
    return scores


def rule(name):
    """The function `reward` of rules/NAME.py, which reads one prompt, response and row at a time."""
    spec = importlib.util.spec_from_file_location(f"rule {name}", HERE / "rules" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def rewards(turns, responses, rows):
        judged = zip(turns, responses, rows)
        return [float(module.reward(readable(asked), said, json.loads(row))) for asked, said, row in judged]

    return rewards


def readable(turns):
    if len(turns) == 1:
        return turns[0]["content"]
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)


MODELS = {"reward_model": reward_model, "judge": judge}
# Each reward by its name, in the order of the weights.
REWARDS = {name: MODELS.get(name) or rule(name) for name in RUN["rewards"]}
