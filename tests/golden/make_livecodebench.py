"""
Writes livecodebench.json: small programs, and the verdicts of LiveCodeBench's own code on them.

  git clone https://github.com/LiveCodeBench/LiveCodeBench && git -C LiveCodeBench checkout 28fef95
  pip install numpy==2.4.6 tqdm==4.70.1        # CPython 3.11, as LiveCodeBench's README asks for
  python tests/golden/make_livecodebench.py LiveCodeBench

The programs hold their own tests: {name: (code, inputs, outputs, function or None, seconds)}.
"""
import json
import sys
from pathlib import Path

SUM = "a, b = map(int, input().split())\nprint(a + b)"
PAIRS = (["1 2\n", "10 -4\n", "5 5"], ["3", "6\n", "10"])
ONE = (["3\n1 2 3\n"], ["6\n"])
F = (["[1, 2, 3]\n2", "[4]\n1"], ["[2, 4, 6]", "[4]"])
SCALE = "class Solution:\n    def scale(self, xs: List[int], k: int) -> List[int]:\n        return {}"
HALF = (["1\n", "2\n"], ["0.5", "1.0"])
SECONDS = 6
SHORT = 1

CASES = {
    # Standard input: right programs.
    "right": (SUM, *PAIRS, None, SECONDS),
    "main guard": ("def main():\n    " + SUM.replace("\n", "\n    ") + "\nif __name__ == '__main__':\n    main()", *PAIRS, None, SECONDS),
    "main guard, double quotes and else": ("def main():\n    " + SUM.replace("\n", "\n    ") + '\nif __name__ == "__main__":\n    main()\nelse:\n    print(0)', *PAIRS, None, SECONDS),
    "read": ("import sys\nprint(sum(map(int, sys.stdin.read().split()[1:])))", *ONE, None, SECONDS),
    "buffer": ("import sys\nd = sys.stdin.buffer.read().split()\nprint(sum(map(int, d[1:])))", *ONE, None, SECONDS),
    "buffer readline twice": ("import sys\nr = sys.stdin.buffer.readline\nr()\nprint(sum(map(int, r().split())))", *ONE, None, SECONDS),
    "readline": ("import sys\ninput = sys.stdin.readline\nn = int(input())\nprint(sum(map(int, input().split())))", *ONE, None, SECONDS),
    "readlines": ("import sys\nl = sys.stdin.readlines()\nprint(len(l), l)", ["1\n2\n"], ["3 ['1', '2', '']"], None, SECONDS),
    "iterate stdin": ("import sys\nfor line in sys.stdin:\n    print(line.strip())", ["a\nb\n"], ["a\nb"], None, SECONDS),
    "open(0)": ("print(sum(map(int, open(0).read().split()[1:])))", *ONE, None, SECONDS),
    "star names without import": ("n = int(input())\nprint(sum(map(int, input().split())), gcd(4, 6), Counter('aa')['a'])", ["3\n1 2 3\n"], ["6 2 2"], None, SECONDS),
    "own star import": ("from math import *\nfrom collections import *\nprint(floor(2.5) + int(input()))", ["1"], ["3"], None, SECONDS),
    "import inside": ("def f():\n    import bisect\n    return bisect.bisect([1, 2], 1)\nprint(f())", ["1"], ["1"], None, SECONDS),
    "recursive function": ("def f(n):\n    return 1 if n == 0 else n * f(n - 1)\nprint(f(int(input())))", ["5"], ["120"], None, SECONDS),
    "global in a function": ("c = 0\ndef f():\n    global c\n    c += 1\nf()\nprint(c)", ["1"], ["1"], None, SECONDS),
    "nonlocal class": ("class A:\n    x = 3\nprint(A().x)", ["1"], ["3"], None, SECONDS),
    "exit": (SUM + "\nexit()", *PAIRS, None, SECONDS),
    "exit 1": (SUM + "\nimport sys\nsys.exit(1)", *PAIRS, None, SECONDS),
    "raise SystemExit early": ("raise SystemExit\n" + SUM, *PAIRS, None, SECONDS),
    "quit": (SUM + "\nquit()", *PAIRS, None, SECONDS),
    "stderr": (SUM + "\nimport sys\nprint('note', file=sys.stderr)", *PAIRS, None, SECONDS),
    "sys.stdout.write": ("import sys\na, b = map(int, input().split())\nsys.stdout.write(str(a + b))", *PAIRS, None, SECONDS),
    "closed stdout": (SUM + "\nimport sys\nsys.stdout.close()", *PAIRS, None, SECONDS),
    "flush": ("a, b = map(int, input().split())\nprint(a + b, flush=True)", *PAIRS, None, SECONDS),
    # How output is compared.
    "trailing space and blank lines": ("a, b = map(int, input().split())\nprint('', a + b, '  ')\nprint()", *PAIRS, None, SECONDS),
    "blank line between": ("print(1)\nprint()\nprint(2)", ["1"], ["1\n2"], None, SECONDS),
    "floats": ("print(int(input()) / 2)", ["1\n", "2\n"], ["0.50", "1"], None, SECONDS),
    "floats close": ("print(0.1 + 0.2)", ["1"], ["0.3"], None, SECONDS),
    "exponent": ("print('1e3', '+2')", ["1"], ["1000 2.0"], None, SECONDS),
    "nan": ("print('NaN')", ["1"], ["nan"], None, SECONDS),
    "words by two spaces": ("print('a  b')", ["1"], ["a b"], None, SECONDS),
    "numbers by two spaces": ("print('1  2')", ["1"], ["1 2"], None, SECONDS),
    "upper case": ("print('YES')", ["1"], ["Yes"], None, SECONDS),
    "carriage returns": ("print('1\\r\\n2\\r')", ["1"], ["1\n2"], None, SECONDS),
    "no output, none expected": ("x = input()", ["1"], [""], None, SECONDS),
    "big integers": ("print(50000000000000000)", ["1"], ["50000000000000001"], None, SECONDS),
    "5,000 digits": ("print(10 ** 5000)", ["1"], ["1" + "0" * 5000], None, SECONDS),
    "unicode": ("print(input()[::-1])", ["née 漢字 🙂\n"], ["🙂 字漢 eén"], None, SECONDS),
    # Wrong.
    "wrong": ("a, b = map(int, input().split())\nprint(a - b)", *PAIRS, None, SECONDS),
    "wrong at the second test": ("a, b = map(int, input().split())\nprint(abs(a) + abs(b))", *PAIRS, None, SECONDS),
    "prints too much": ("a, b = map(int, input().split())\nprint('The sum is')\nprint(a + b)", *PAIRS, None, SECONDS),
    "prints a million lines": ("for i in range(10**6): print(i)", ["1"], ["1"], None, SECONDS),
    "prints nothing": ("pass", *PAIRS, None, SECONDS),
    "leftover of a failed exit": ("print(1)\nexit()\nprint(2)", ["1"], ["1\n2"], None, SECONDS),
    # Errors.
    "crash": ("print(1 // 0)", *PAIRS, None, SECONDS),
    "crash at the third test": ("a, b = map(int, input().split())\nprint(a + b // (a - b and 1))", *PAIRS, None, SECONDS),
    "syntax error": ("print(1", *PAIRS, None, SECONDS),
    "empty program": ("", *PAIRS, None, SECONDS),
    "not Python": ("Here is the answer: 3", *PAIRS, None, SECONDS),
    "reads past the end": ("a = input()\nb = input()\nc = input()\nprint(3)", *PAIRS, None, SECONDS),
    "reads past the end, caught": ("n = 0\ntry:\n    while True:\n        input()\n        n += 1\nexcept EOFError:\n    print(n)", ["1\n2\n", "1\n2"], ["2", "2"], None, SECONDS),
    "readline past the end": ("import sys\nr = sys.stdin.readline\nr()\nr()\nr()\nr()\nprint(3)", *PAIRS, None, SECONDS),
    "missing module": ("import nosuchmodule\n" + SUM, *PAIRS, None, SECONDS),
    "disabled module": ("import resource\n" + SUM, *PAIRS, None, SECONDS),
    "disabled function": ("import os\nos.system('true')\n" + SUM, *PAIRS, None, SECONDS),
    "getcwd": ("import os\nos.getcwd()\n" + SUM, *PAIRS, None, SECONDS),
    "subprocess": ("import subprocess\nsubprocess.run(['true'])\n" + SUM, *PAIRS, None, SECONDS),
    "endless recursion": ("def f(n):\n    return f(n + 1) + 1\nprint(f(0))", ["1"], ["1"], None, SECONDS),
    "recursion, 20,000 deep": ("def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(20000))", ["1"], ["20000"], None, SECONDS),
    "cached recursion, 2,000 deep": ("from functools import lru_cache\n@lru_cache(None)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(2000))", ["1"], ["2000"], None, SECONDS),
    "keyboard interrupt": ("raise KeyboardInterrupt", *PAIRS, None, SECONDS),
    "os._exit": (SUM + "\nimport os\nos._exit(0)", *PAIRS, None, SECONDS),
    "deletes builtins": ("import builtins\nfor name in ('isinstance', 'list', 'len', 'Exception', 'print'):\n    delattr(builtins, name)\nprint(3)", *PAIRS, None, SECONDS),
    "assert": ("assert int(input().split()[0]) < 10\nprint(3)", *PAIRS, None, SECONDS),
    "threads": ("import threading\nthreading.Thread(target=print, args=(3,)).start()", ["1"], ["3"], None, SECONDS),
    # Slow.
    "endless loop": ("while True:\n    pass", *PAIRS, None, SHORT),
    "endless at the second test": ("a, b = map(int, input().split())\nwhile a == 10:\n    pass\nprint(a + b)", *PAIRS, None, SHORT),
    "endless loop, prints": ("while True:\n    print('x')", *PAIRS, None, SHORT),
    "sleeps": ("import time\ntime.sleep(3)", *PAIRS, None, SHORT),
    "swallows the alarm once": ("try:\n    while True:\n        pass\nexcept Exception:\n    pass\nprint(3)", ["1"], ["3"], None, SHORT),
    "endless import": ("import time\ndef f():\n    while True:\n        pass\nx = [f() for _ in [0]]", *PAIRS, None, SHORT),
    "endless in C": ("print(10 ** 10 ** 10)", ["1"], ["1"], None, SHORT),
    # Functions.
    "method": (SCALE.format("[k * x for x in xs]"), *F, "scale", SECONDS),
    "method, wrong": (SCALE.format("xs"), *F, "scale", SECONDS),
    "method, wrong at the second test": (SCALE.format("[2 * x for x in xs]"), *F, "scale", SECONDS),
    "method gives a tuple": (SCALE.format("tuple(k * x for x in xs)"), *F, "scale", SECONDS),
    "method gives tuples within": ("class Solution:\n    def f(self, n):\n        return [(n, n)]", ["1"], ["[[1, 1]]"], "f", SECONDS),
    "method gives a generator": (SCALE.format("(k * x for x in xs)"), *F, "scale", SECONDS),
    "method gives None": (SCALE.format("None"), *F, "scale", SECONDS),
    "method gives floats": (SCALE.format("[float(k * x) for x in xs]"), *F, "scale", SECONDS),
    "method gives 1 for true": ("class Solution:\n    def f(self, n):\n        return 1", ["1"], ["true"], "f", SECONDS),
    "method gives close floats": ("class Solution:\n    def f(self, n):\n        return 0.1 + 0.2", ["1"], ["0.3"], "f", SECONDS),
    "method raises": (SCALE.format("xs[5]"), *F, "scale", SECONDS),
    "method exits": (SCALE.format("exit()"), *F, "scale", SECONDS),
    "method, other name": (SCALE.format("xs"), *F, "scales", SECONDS),
    "method, too few arguments": ("class Solution:\n    def scale(self, xs):\n        return xs", *F, "scale", SECONDS),
    "method, endless": ("class Solution:\n    def scale(self, xs, k):\n        while True: pass", *F, "scale", SHORT),
    "method prints": ("class Solution:\n    def scale(self, xs, k):\n        print(xs)\n        return [k * x for x in xs]", *F, "scale", SECONDS),
    "method keeps state": ("class Solution:\n    n = 0\n    def f(self, x):\n        self.n += 1\n        return self.n", ["0", "0"], ["1", "1"], "f", SECONDS),
    "method changes its argument": ("class Solution:\n    def f(self, xs):\n        xs.sort()\n        return xs", ["[2, 1]"], ["[1, 2]"], "f", SECONDS),
    "cached method": ("class Solution:\n    def f(self, n):\n        @cache\n        def go(k):\n            return 1 if k < 2 else go(k - 1) + go(k - 2)\n        return go(n)", ["80"], ["37889062373143906"], "f", SECONDS),
    "annotations of typing": ("class Solution:\n    def f(self, s: Optional[str], d: Dict[str, int] = None) -> Tuple[int]:\n        return len(s)", ['"abc"'], ["3"], "f", SECONDS),
    "plain function": ("def scale(xs, k):\n    return [k * x for x in xs]", *F, "scale", SECONDS),
    "Solution in a comment": ("# class Solution\ndef scale(xs, k):\n    return [k * x for x in xs]", *F, "scale", SECONDS),
    "class with an argument": ("class Solution:\n    def __init__(self, n):\n        self.n = n\n    def scale(self, xs, k):\n        return xs", *F, "scale", SECONDS),
    "function test, stdin program": (SUM, *F, "scale", SECONDS),
    "strings": ("class Solution:\n    def f(self, s, t):\n        return s + t", ['"né"\n"\\u6f22"'], ['"né漢"'], "f", SECONDS),
    "None and booleans": ("class Solution:\n    def f(self, a, b):\n        return [b, a]", ["null\ntrue"], ["[true, null]"], "f", SECONDS),
}


def main():
    root = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(root))
    from lcb_runner.evaluation.compute_code_generation_metrics import evaluate_generations_by_problem

    rows = []
    for name, (code, inputs, outputs, function, seconds) in CASES.items():
        sample = {"inputs": inputs, "outputs": outputs, "fn_name": function}
        (verdicts,), _ = evaluate_generations_by_problem(
            ([code], {"input_output": json.dumps(sample)}, False, seconds)
        )
        rows.append(
            dict(name=name, code=code, inputs=inputs, outputs=outputs, function=function,
                 seconds=seconds, verdicts=verdicts)
        )
        print(name, verdicts, file=sys.stderr)
    target = Path(__file__).with_name("livecodebench.json")
    target.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")


main()
