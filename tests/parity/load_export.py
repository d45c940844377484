"""What `ponder export` wrote, loaded in transformers and peft and compared with `ponder logits`.

  python load_export.py BASE ADAPTER MERGED     needs requirements-golden.txt and Node; by hand

BASE is the model that was trained on, ADAPTER and MERGED are the folders of `export --to peft` and
`--to merged`. Prints the largest difference of a logit on one prompt, and whether greedy generations
of 24 tokens are the same.
"""
import json
import subprocess
import sys
from pathlib import Path

import peft
import torch
import transformers

ponder = Path(__file__).parents[2] / "scripts" / "ponder.mjs"


def ours(model, base, ids):
    text = ",".join(map(str, ids))
    command = ["node", ponder, "logits", "--model", model, "--base", base, "--ids", text, "--json"]
    return torch.tensor(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["logits"])


base, adapter, merged = sys.argv[1:]
load = lambda path: transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
models = {"adapter in peft": peft.PeftModel.from_pretrained(load(base), adapter).eval(), "merged": load(merged)}
tokens = transformers.AutoTokenizer.from_pretrained(merged)
chat = [{"role": "user", "content": "Suggest a simple breakfast with oats."}]
ids = tokens.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
mine = ours(adapter, base, ids)
plain = load(base)(torch.tensor([ids])).logits[0]
print(f"the adapter moves a logit by at most {(mine - plain).abs().max():.2g}")
written = []
for name, model in models.items():
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        written.append(model.generate(torch.tensor([ids]), max_new_tokens=24, do_sample=False)[0].tolist())
    print(f"{name}: largest difference of a logit {(mine - logits).abs().max():.2g}")
# Our greedy tokens, one at a time would be slow: their logits decide them all the same.
agreed = ours(merged, base, written[1][:-1]).argmax(-1).tolist()[len(ids) - 1 :]
print(f"greedy: adapter and merged agree {written[0] == written[1]}, we agree {agreed == written[1][len(ids) :]}")
