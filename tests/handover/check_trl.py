"""Whether TRL's own parser takes recipes: JSON of each file's name and "taken", or what is wrong with it.

  python check_trl.py FOLDER        FOLDER has files ALGORITHM-N.yaml; needs trl[peft]==1.16.0
"""
import importlib
import json
import sys
from pathlib import Path

taken = {}
for path in sorted(Path(sys.argv[1]).glob("*.yaml")):
    parser = importlib.import_module(f"trl.scripts.{path.stem.split('-')[0]}").make_parser()
    try:
        parser.parse_args_and_config(["--config", str(path), "--use_cpu", "true"])
        taken[path.stem] = "taken"
    except (Exception, SystemExit) as error:
        taken[path.stem] = repr(error)
print(json.dumps(taken))
