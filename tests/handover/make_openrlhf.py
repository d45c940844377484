"""The arguments of OpenRLHF's GRPO training, for openrlhf.test.ts.

  pip download --no-deps openrlhf==0.11.2
  python make_openrlhf.py openrlhf-0.11.2-*.whl OUT.json

The statements of the wheel's own source that make its parser are run, and nothing else of it: it needs no
card, and OpenRLHF is not installed.
"""
import argparse
import ast
import json
import sys
import zipfile
from datetime import datetime

wheel, out = sys.argv[1:]
with zipfile.ZipFile(wheel) as files:
    name = next(name for name in files.namelist() if name.endswith("openrlhf/cli/train_ppo_ray.py"))
    tree = ast.parse(files.read(name))
main = next(node for node in tree.body if isinstance(node, ast.If)).body
parsing = next(i for i, node in enumerate(main) if "parse_args" in ast.unparse(node))
names = {"argparse": argparse, "datetime": datetime}
exec(compile(ast.Module(main[:parsing], []), name, "exec"), names)
arguments = {}
for action in names["parser"]._actions:
    for option in action.option_strings:
        arguments[option] = {
            # 0 for a flag, None for one value.
            "nargs": action.nargs,
            "type": action.type.__name__ if action.type else None,
            "choices": action.choices,
        }
version = wheel.rsplit("/", 1)[-1].split("-")[1]
with open(out, "w") as file:
    json.dump({"version": version, "arguments": arguments}, file, indent=2)
    file.write("\n")
