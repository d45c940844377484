"""
Writes alpaca-eval.json: what the code of AlpacaEval 2 asks a judge, reads from log-probabilities and scores,
and what RLMT's variant scores.

  git clone https://github.com/tatsu-lab/alpaca_eval      && git -C alpaca_eval checkout cd543a1
  git clone https://github.com/princeton-pli/RLMT         && git -C RLMT checkout 2cde311
  pip install alpaca-eval==0.6.6 scikit-learn==1.5.2 pandas==2.2.3 numpy==2.2.6 scipy==1.17.1 patsy==1.0.3
  NPY_DISABLE_CPU_FEATURES="AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR" \
    python tests/golden/make_alpaca_eval.py FOLDER_OF_THE_CLONES

The variable gives numpy's plain quicksort. With the processor's vector instructions the order of equal values,
and with it the folds of the cross-validation, depends on the machine.
The rows of the two gamed baselines (df_gamed.csv) are drawn here, with the columns of the makers' file.
"""
import ast
import json
import math
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from alpaca_eval import utils
from alpaca_eval.completion_parsers import logprob_parser
from alpaca_eval.metrics import glm_winrate
from sklearn.linear_model import LogisticRegression

ROOT = Path(sys.argv[1])
draw = random.Random(0)
rounded = lambda x: round(x, 6)
sigmoid = lambda x: 1 / (1 + math.exp(-x))


def asked():
    template = (ROOT / "alpaca_eval/src/alpaca_eval/evaluators_configs/alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt").read_text()
    row = dict(instruction="Q {output_2} $&", output_1="one {output_1} $1", output_2=" two\n")
    (prompt,), _ = utils.make_prompts(pd.DataFrame([row]), template)
    return dict(template=template, row=row, messages=utils.prompt_to_chatml(prompt))


def verdicts():
    """The share of the first output: 2 minus the parser's preference; None where it finds no letter."""
    cases = [dict(m=-0.1, M=-2.4), dict(m=-3.0, M=-0.05, Both=-9.0), dict(m=-0.2, The=-1.9), dict(M=-0.01), dict(The=-0.5, Both=-1.0), {" m": -0.1}]
    shares = []
    for case in cases:
        content = [dict(token="x", logprob=0.0, top_logprobs=[dict(token=t, logprob=l) for t, l in case.items()])]
        preference, = logprob_parser(dict(logprobs=dict(content=content)), "m", ["m", "M"], is_binarize=False)
        shares.append([case, None if np.isnan(preference) else 2 - preference])
    return shares


def case(name, count, strength, length_effect, glm, unreadable=(), difficulty_effect=1.0, judge="weighted"):
    difficulty = [rounded(draw.gauss(0, 1)) for _ in range(count)]
    gamed = []
    for model, gap in (("concise", 1.2), ("verbose", -0.9)):
        for i in range(count):
            std_delta_len = rounded(draw.gauss(gap, 0.7))
            logit = -0.8 * math.tanh(std_delta_len) + draw.gauss(0, 0.6)
            gamed.append(dict(model=model, index=i, preference=rounded(sigmoid(logit)), std_delta_len=std_delta_len,
                              instruction_difficulty=difficulty[i], not_gamed_baseline=False))
    rows = []
    for i in range(count):
        baseline, own = draw.randint(20, 400), draw.randint(5, 500)
        logit = strength + difficulty_effect * difficulty[i] - length_effect * math.tanh((baseline - own) / 180) + draw.gauss(0, 1)
        share = sigmoid(2 * logit)
        if judge == "letter":
            share = float(draw.random() < share)
        rows.append(dict(share=None if i in unreadable else rounded(share), baseline=baseline, own=own))
    # Words of two characters and a space: the lengths differ in characters as in words.
    text = lambda words: " ".join(["ab"] * words)
    annotations = pd.DataFrame([
        dict(instruction=str(i), output_1=text(row["baseline"]), output_2=text(row["own"]), generator_1="baseline", generator_2="own",
             annotator="a", preference=np.nan if row["share"] is None else 1 + row["share"])
        for i, row in enumerate(rows)
    ])
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        csv = pd.DataFrame(gamed).to_csv(index=False)
        file.write(csv)
        file.flush()
        glm_winrate.hf_hub_download = lambda **_: file.name
        fit = lambda info: glm_winrate.get_length_controlled_winrate(annotations, glm, save_weights_dir=None, glm_info=info)
        info = glm_winrate.GLM_INFO[glm]
        metrics = fit(info)
        # The original stops before the minimum, by a tolerance of 1e-4; this shows that the method is the same.
        converged = fit(dict(info, kwargs=dict(info["kwargs"], tol=1e-10, max_iter=1_000_000)))["length_controlled_winrate"]
    return dict(name=name, glm=glm, rows=rows, csv=csv if glm == "length_controlled_v1" else None, rlmt=rlmt(rows, text), converged=float(converged),
                **{k: float(metrics[k]) for k in ("win_rate", "length_controlled_winrate")})


def rlmt(rows, text):
    """RLMT's aggregate_metrics, cut out of its class."""
    tree = ast.parse((ROOT / "RLMT/eval/reason_benchmarks/alpacaeval2.py").read_text())
    method = next(n for n in ast.walk(tree) if getattr(n, "name", None) == "aggregate_metrics")
    method.decorator_list = []
    space = dict(pd=pd, LogisticRegression=LogisticRegression)
    exec(compile(ast.Module([*ast.parse("from typing import *").body, method], []), "alpacaeval2.py", "exec"), space)
    entries = []
    for row in rows:
        delta_len = len(text(row["own"]).split()) - len(text(row["baseline"]).split())
        win = int(row["share"] is not None and row["share"] > 0.5)
        entries.append([dict(model="model", delta_len=delta_len, win=win), dict(model="reference", delta_len=-delta_len, win=1 - win)])
    return {k: float(v) for k, v in space["aggregate_metrics"](None, entries).items()}


cases = [
    case("even", 80, 0.2, 0.5, "length_controlled_v1"),
    case("weak and long", 100, -2.0, 1.5, "length_controlled_v1"),
    case("strong and short", 60, 2.5, -1.0, "length_controlled_v1"),
    case("some unreadable", 70, -0.5, 1.0, "length_controlled_v1", unreadable=(0, 7, 33, 69)),
    case("letters", 90, -0.4, 1.0, "length_controlled_v1", judge="letter"),
    case("without difficulty", 80, 0.7, 1.0, "length_controlled_minimal", unreadable=(5,)),
    case("nothing to find", 23, 0.0, 0.0, "length_controlled_minimal", difficulty_effect=0),
]
target = Path(__file__).with_name("alpaca-eval.json")
target.write_text(json.dumps(dict(asked=asked(), verdicts=verdicts(), cases=cases), ensure_ascii=False, separators=(",", ":")) + "\n")
