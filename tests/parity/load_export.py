"""Loads what `ponder export` wrote in transformers and peft, and compares it with Ponder's own numbers.

  python load_export.py BASE ADAPTER MERGED     needs requirements-golden.txt and Node; by hand

BASE is the adapter's base model; ADAPTER and MERGED are the folders of `export --to peft` and
`--to merged`. For a policy it prints the largest difference of a logit on one prompt (`ponder logits`),
and whether greedy generations of 24 tokens are the same. For a reward model it prints the scores of
two sequences (`ponder score`).
"""
import json
import subprocess
import sys
from pathlib import Path

import peft
import torch
import transformers

ponder = Path(__file__).parents[2] / "scripts" / "ponder.mjs"


def ours(command, ids, *more):
    text = ",".join(map(str, ids))
    line = ["node", ponder, command, *more, "--ids", text, "--json"]
    return json.loads(subprocess.run(line, check=True, capture_output=True).stdout)


base, adapter, merged = sys.argv[1:]
scores = json.loads(Path(adapter, "adapter_config.json").read_text())["task_type"] == "SEQ_CLS"
auto = transformers.AutoModelForSequenceClassification if scores else transformers.AutoModelForCausalLM
options = {"num_labels": 1} if scores else {}
load = lambda path: auto.from_pretrained(path, dtype=torch.float32, **options).eval()
models = {"adapter in peft": peft.PeftModel.from_pretrained(load(base), adapter).eval(), "merged": load(merged)}
if scores:
    for ids in ([3, 5, 7, 11, 13], [4, 9, 2, 17]):
        mine = ours("score", ids, "--model", adapter)["score"]
        for name, model in models.items():
            with torch.no_grad():
                theirs = model(torch.tensor([ids])).logits.item()
            print(f"{name}: score {theirs:.6f}, difference {abs(mine - theirs):.2g}")
    sys.exit()
tokens = transformers.AutoTokenizer.from_pretrained(merged)
chat = [{"role": "user", "content": "Suggest a simple breakfast with oats."}]
ids = tokens.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
logits_of = lambda path, ids: torch.tensor(ours("logits", ids, "--model", path, "--base", base)["logits"])
mine = logits_of(adapter, ids)
plain = load(base)(torch.tensor([ids])).logits[0]
print(f"the adapter moves a logit by at most {(mine - plain).abs().max():.2g}")
written = []
for name, model in models.items():
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        written.append(model.generate(torch.tensor([ids]), max_new_tokens=24, do_sample=False)[0].tolist())
    print(f"{name}: largest difference of a logit {(mine - logits).abs().max():.2g}")
# Generating our greedy tokens one by one would be slow; the logits of the whole text give the same tokens.
agreed = logits_of(merged, written[1][:-1]).argmax(-1).tolist()[len(ids) - 1 :]
print(f"greedy: adapter and merged agree {written[0] == written[1]}, we agree {agreed == written[1][len(ids) :]}")
