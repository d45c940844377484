"""Scores of preference pairs by transformers and peft, to hold beside `ponder accuracy`.

  python tests/parity/pair_scores.py MODEL PAIRS.jsonl OUT.jsonl [--adapter FOLDER] [--question]

MODEL is an instruct model's folder. With --adapter it is a reward model: the adapter and its head are put on
it. With --question it is a judge: log p(Yes) - log p(No) after Ponder's question. Each line of OUT has the
scores of chosen and rejected. torch 2.9, transformers 5.24, peft 0.21.
"""
import argparse
import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

QUESTION = (
    "Request:\n{prompt}\n\nResponse:\n{response}\n\n"
    "Is this a helpful, correct and complete response to the request? Answer Yes or No."
)

options = argparse.ArgumentParser()
options.add_argument("model")
options.add_argument("pairs")
options.add_argument("out")
options.add_argument("--adapter")
options.add_argument("--question", action="store_true")
given = options.parse_args()

tokenizer = AutoTokenizer.from_pretrained(given.model)
if given.adapter:
    model = AutoModelForSequenceClassification.from_pretrained(given.model, num_labels=1)
    model = PeftModel.from_pretrained(model, given.adapter)
    model.config.pad_token_id = tokenizer.pad_token_id
else:
    model = AutoModelForCausalLM.from_pretrained(given.model)
model.eval()
YES, NO = (tokenizer(word)["input_ids"][0] for word in ("Yes", "No"))


@torch.no_grad()
def score(prompt, response):
    if given.question:
        text = QUESTION.replace("{prompt}", prompt).replace("{response}", response)
        turns = [{"role": "user", "content": text}]
    else:
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=given.question)
    logits = model(**tokenizer(text, return_tensors="pt")).logits[0]
    if not given.question:
        return float(logits.flatten()[0])
    chances = torch.log_softmax(logits[-1].float(), -1)
    return float(chances[YES] - chances[NO])


out = Path(given.out)
done = len(out.read_text().splitlines()) if out.exists() else 0
with out.open("a") as file:
    for line in Path(given.pairs).read_text().splitlines()[done:]:
        row = json.loads(line)
        scores = [score(row["prompt"], row[which]) for which in ("chosen", "rejected")]
        file.write(json.dumps(scores) + "\n")
        file.flush()
