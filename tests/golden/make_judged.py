"""
Writes judged.json: what the code of MT-Bench, Creative Writing v3, WildBench and Arena-Hard v2 asks a judge,
reads from judgments and scores.

  git clone https://github.com/lm-sys/FastChat                     && git -C FastChat checkout 0e6d3e4
  git clone https://github.com/EQ-bench/creative-writing-bench     && git -C creative-writing-bench checkout e7ab009
  git clone https://github.com/allenai/WildBench                   && git -C WildBench checkout d6b8dca
  git clone https://github.com/lmarena/arena-hard-auto             && git -C arena-hard-auto checkout 196f6b8
  pip install numpy==2.4.6 pandas==3.1.1 torch==2.15.0
  python tests/golden/make_judged.py FOLDER_OF_THE_CLONES

Only the functions named here run, cut out of the originals' files: the files also import clients of
servers.
"""
import ast
import json
import random
import re
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
draw = random.Random(0)


def functions(path, *names, **globals):
    """The functions, classes and constants of a file, without the rest of it."""
    tree = ast.parse((ROOT / path).read_text())
    wanted = [
        node
        for node in tree.body
        if getattr(node, "name", None) in names
        or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in names)
    ]
    space = {"re": re, "json": json, **globals}
    exec(compile(ast.Module(wanted, []), path, "exec"), space)
    return [space[name] for name in names]


WORDS = "the answer is good [[7]] [[8.5]] [3] [[x]] [[10]] [9,8] [[A>B]] [[B>>A]] [A=B] [[a>>b]] [[A<B]] [B<<A] {0} \n".split(" ")


def text(low=0, high=12):
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(low, high)))


def mt_bench():
    patterns = functions(
        "FastChat/fastchat/llm_judge/common.py", "one_score_pattern", "one_score_pattern_backup"
    )

    def rating(judgment):
        # run_judge_single, after the judge's answer
        for pattern in patterns:
            if match := re.search(pattern, judgment):
                return ast.literal_eval(match.groups()[0])
        return -1

    texts = [text() for _ in range(60)] + ["", "[[]]", "[[5.]]", "[[-3]]", "[[11]]", "Rating: [[ 5 ]]", "[5] then [[6]]", "[[1,2]]"]
    prompts = "".join(
        line + "\n"
        for line in (ROOT / "FastChat/fastchat/llm_judge/data/judge_prompts.jsonl").read_text().splitlines()
        if json.loads(line)["type"] == "single"
    )
    asked = []
    for line in prompts.splitlines():
        prompt = json.loads(line)
        # The arguments of run_judge_single.
        values = dict(
            question="Q1 {x}", question_1="Q1 {x}", question_2="Q2", answer="A1 $& {answer}", answer_1="A1 $& {answer}",
            answer_2="A2", ref_answer_1="R1", ref_answer_2="R2",
        )
        asked.append([prompt["name"], prompt["system_prompt"], prompt["prompt_template"].format(**values)])
    return dict(prompts=prompts, asked=asked, ratings=[[t, rating(t)] for t in texts])


def creative_writing():
    path = "creative-writing-bench/core/scoring.py"
    names = ["SCORE_RANGE_MAX", "invert_if_negative", "compute_creative_scores", "parse_judge_scores_creative", "compute_single_benchmark_score_creative"]
    from typing import Any, Dict, List

    *_, parse, score = functions(path, *names, Any=Any, Dict=Dict, List=List)
    data = ROOT / "creative-writing-bench/data"
    read = lambda name: [line.strip() for line in (data / name).read_text().splitlines() if line.strip()]
    criteria, negative = read("creative_writing_criteria.txt"), read("negative_criteria.txt")
    judgments = []
    for i in range(24):
        lines = ["[Analysis]", "A scene: 3 voices, of 20 at most.", "[Scores]"]
        for name in criteria:
            value = draw.choice([draw.randint(0, 20), round(draw.uniform(0, 20), 1), 25, -2])
            lines.append(draw.choice(["{}: {}", "{}: [{}]", "{}: Score {}", "{}:{}", "**{}**: {}", "- {}: {}/20", "{} {}"]).format(name, value))
        judgments.append("\n".join(lines))
    judgments += ["", "no scores", "a: 1: 2", "Coherent: 20 Meandering: 20", "Coherent: 12.\nCoherent: 14"]
    parsed = [parse(judgment) for judgment in judgments]
    tasks = [{"results_by_modifier": {"seed": {"judge_scores": scores}}} for scores in parsed]
    template = (data / "creative_writing_judging_prompt.txt").read_text()
    asked = template.format(
        writing_prompt="Write. <SEED> Now.", test_model_response="A {story} $1" * 50,
        creative_writing_criteria="\n".join(["- " + c for c in criteria]),
        lower_is_better_criteria=", ".join(negative),
    )
    return dict(
        template=template, criteria="\n".join(criteria), negative="\n".join(negative), asked=asked,
        judgments=judgments, parsed=parsed, score=score(tasks, negative)["eqbench_creative_score"],
    )


def wildbench_prompts():
    """The judge's prompts of one task, for a template that has every placeholder; pairs in both orders."""
    import tempfile
    from types import SimpleNamespace

    class Draws:
        random = staticmethod(lambda: 0.9 if swapped else 0.1)

    swapped = False
    _, prompts = functions("WildBench/src/eval.py", "shorten", "placeholder_generation", random=Draws, json=json, print=lambda *a: None)
    shared = "{$history}|{$user_query}|{$checklist}|"
    templates = dict(pairwise=shared + "{$candidate_A}|{$candidate_B}", score=shared + "{$model_output}")
    own, other = "own {$checklist}", "the other"
    texts = dict(short=(own, other), long=(" ".join(map(str, range(1200))), "a  b " * 600))
    asked = {}
    for length, (o, r) in texts.items():
        for mode, words in (("pairwise", 1000), ("score", -1)):  # evaluation/run_eval_v2_*.sh
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(templates[mode])
                file.flush()
                args = SimpleNamespace(eval_template=file.name, mode=mode, model="gpt", max_words_to_eval=words, start_idx=0, end_idx=-1)
                item = dict(session_id="s", output=[o], generator="own")
                reference = dict(session_id="s", output=[r], generator="ref")
                history = "USER: one {$user_query}\n\nASSISTANT: two\n\n"
                for swapped in (False, True) if mode == "pairwise" else (False,):
                    row, = prompts(args, [item], [reference], [history], ["query $&"], [["first?", "second?"]])
                    asked[f"{length} {mode}{' swapped' if swapped else ''}"] = row["prompt"]
    return dict(templates=templates, texts=texts, asked=asked)


def wildbench():
    extract, parse = functions("WildBench/src/eval.py", "extract_values_from_json", "parse_result")
    judgments = ['{"score": "7"}', '{"score": 7}', '{"score": "7.5", "choice": "A+"}', 'x "score": "8", y', '{"choice": "A=B",}',
                 '{"choice" : "B++"', "nothing", "", '{"strengths": "a "quoted" b", "score": "3",}', '{"score": ""}', '```json\n{"score": "9"}\n```',
                 '"choice": "A\n+"', "[]", '{"choice": null}']
    fields = [[j, {k: v for k, v in (parse(j) if isinstance(parse(j), dict) else {}).items() if k in ("score", "choice")}] for j in judgments]
    # The loop over one file's judgments in leaderboard/data_dir/_create_tables.py.
    source = (ROOT / "WildBench/leaderboard/data_dir/_create_tables.py").read_text()
    groups, = functions("WildBench/leaderboard/data_dir/_create_tables.py", "task_group_new")
    tags = list(groups)
    rows, eval_pairs, eval_scores, mapping = [], [], [], {}
    for i in range(40):
        own, other = "a" * draw.randint(1, 2000), "b" * draw.randint(1, 2000)
        extent = draw.choice([0, 1, 1, 2])
        ours = draw.random() < 0.5
        row = dict(tags=draw.sample(tags, draw.randint(1, 3)), own=len(own), other=len(other),
                   level=0 if extent == 0 else (1 if ours else -1) * extent / 2, score=draw.randint(1, 10))
        rows.append(row)
        mapping[str(i)] = list({groups[tag] for tag in row["tags"]})
        outputs = {"ref": other, "own": own}
        eval_pairs.append(dict(session_id=str(i), model_outputs=outputs, extent=extent,
                               winner="tie" if extent == 0 else "own" if ours else "ref"))
        eval_scores.append(dict(session_id=str(i), score=row["score"], model_output=own, model_test="own"))
    start, end = source.index("for file in tqdm(files"), source.index('if MODE == "pairwise":\n    table = sorted')
    results = {}
    for mode, data in (("pairwise", eval_pairs), ("score", eval_scores)):
        body = source[start:end].replace('with open(f"{folder}/{file}", "r") as f:\n            eval_result = json.load(f)', "eval_result = DATA")
        space = dict(DATA=data, MODE=mode, ACTION=mode, K=500, files=["own.json"], table=[], folder="", FOLDER="", json=json,
                     ref_model="ref", task_mapping=mapping, tqdm=lambda x, desc: x, print=lambda *a: None)
        exec(body, space)
        row, = space["table"]
        results[mode] = {k: row[k] for k in ("reward", "task_macro_reward", "adjusted_score", "task_macro_score") if k in row}
    return dict(fields=fields, rows=rows, results=results)


def style_fit(features, fit):
    import torch

    own = torch.tensor([f[0][0] for f in features], dtype=torch.get_default_dtype())
    base = torch.tensor([f[0][1] for f in features], dtype=torch.get_default_dtype())
    # The lines of print_leaderboard_with_style_features.
    final = torch.zeros_like(own)
    final[:, 0] = (own[:, 0] - base[:, 0]) / (own[:, 0] + base[:, 0])
    a, b = own[:, 1:] / (own[:, :1] + 1), base[:, 1:] / (base[:, :1] + 1)
    final[:, 1:] = (a - b) / (a + b + 1)
    z = (final - torch.mean(final, axis=0)) / torch.std(final, axis=0)
    design = torch.cat([torch.tensor([[1.0, -1.0]] * len(z)), z], dim=1)
    coefs, _ = fit(design, torch.tensor([float(f[1]) for f in features]))
    return coefs


def arena_hard():
    import numpy as np
    import torch

    get_score, = functions("arena-hard-auto/gen_judgment.py", "get_score")
    patterns = [r"\[\[([AB<>=]+)\]\]", r"\[([AB<>=]+)\]"]
    texts = [text() for _ in range(60)] + ["", "[[A>B]] no, [[B>A]]", "[[A]]", "[A>B] [[B=A]]", "[[ A>B ]]"]
    sys.path.insert(0, str(ROOT / "arena-hard-auto"))
    from utils.judge_utils import JUDGE_SETTINGS
    from utils.math_utils import fit_pairwise_model

    count = functions("arena-hard-auto/utils/add_markdown_info.py", "count_markdown_elements", "remove_pattern")
    labels = ["A>B", "A>>B", "A=B", "B>A", "B>>A", "A<B", "A<<B", "B<A", "B<<A", "B=A"]
    source = (ROOT / "arena-hard-auto/show_result.py").read_text()
    tree = ast.parse(source)
    mapping = ast.unparse(next(n for n in ast.walk(tree) if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "label_to_score"))
    space = dict(weight=3)
    exec(mapping, space)
    table = space["label_to_score"]
    battles, features = [], []
    for i in range(30):
        games = [draw.choice(labels[:5] if i % 3 else labels), draw.choice(labels[:5] if i % 3 else labels)]
        outcomes = table[games[1]] + [1 - s for s in table[games[0]]]
        styles = [[draw.randint(50, 900), draw.randint(0, 9), draw.randint(0, 30), draw.randint(0, 20)] for _ in "ab"]
        battles.append(dict(games=games, styles=styles, outcomes=outcomes))
        features += [(styles, o) for o in outcomes]
    coefs = {}
    # The original fits in float32, which its 50 iterations feel; float64 shows that the method is the same.
    for dtype in (torch.float32, torch.float64):
        torch.set_default_dtype(dtype)
        coefs[str(dtype).split(".")[1]] = style_fit(features, fit_pairwise_model).tolist()
    markdown = ["# a\n## b\n- x\n* y\n1. z\n**bold** __u__", "```\n# no\n**no**\n```\n####### seven\n  - nested\n**a\nb**", "plain", "a **b** **c d** - no\n+ yes\n12. yes"]
    counts = [{k.split("_")[0]: sum(v.values()) for k, v in count[0](count[1](t, re.compile("```([^`]*)```")), "").items()} for t in markdown]
    template = re.search(r'prompt_template: (".*")', (ROOT / "arena-hard-auto/config/arena-hard-v2.0.yaml").read_text()).group(1)
    return dict(
        labels=[[t, get_score(t, patterns)] for t in texts], battles=battles, coefs=coefs,
        mean=float(np.mean([f[1] for f in features])), markdown=[[t, c] for t, c in zip(markdown, counts)],
        systems={k: JUDGE_SETTINGS[k]["system_prompt"] for k in ("hard_prompt", "creative_writing")},
        asked=json.loads(template).format(QUESTION="Q {x}", ANSWER_A="base {y}", ANSWER_B="own $&"),
    )


golden = {f.__name__: f() for f in (mt_bench, creative_writing, wildbench_prompts, wildbench, arena_hard)}
target = Path(__file__).with_name("judged.json")
target.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
