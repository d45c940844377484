"""The reward that verl would compute, against TRL's on the same completions (trl.json), both from the same run.

  python check_verl_reward.py FOLDER       FOLDER: of `ponder export --to verl`; needs torch and transformers

It prints the largest difference, and fails above 1e-4.
"""
import importlib.util
import json
import sys
from pathlib import Path

from transformers import AutoTokenizer

folder = Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("reward", folder / "reward.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
tokenizer = AutoTokenizer.from_pretrained(folder / "policy")
largest = 0
for step in json.loads(Path(__file__).with_name("trl.json").read_text())["runs"]["grpo"]:
    for prompt, ids, reward in zip(step["prompts"], step["ids"], step["rewards"]):
        info = {"turns": json.dumps([{"role": "user", "content": prompt}]), "row": "{}"}
        # As verl decodes them.
        text = tokenizer.decode(ids, skip_special_tokens=True)
        score = module.compute_score("meal-planner", text, "", info)["score"]
        largest = max(largest, abs(score - reward))
print(f"largest difference: {largest:.1e}")
assert largest < 1e-4
