# arithmetic.js for TRL and verl.
import re

TASK = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*([-+*x×/])\s*(-?[0-9]+(?:\.[0-9]+)?)")


def result(a, sign, b):
    if sign == "+":
        return a + b
    if sign == "-":
        return a - b
    if sign == "/":
        return a / b if b != 0 else float("nan")
    return a * b


def reward(prompt, response, row):
    task = TASK.search(prompt)
    if task is None:
        return False
    numbers = re.findall(r"-?[0-9]+(?:\.[0-9]+)?", re.sub(r"([0-9]),(?=[0-9]{3}\b)", r"\1", response, flags=re.ASCII))
    if not numbers:
        return False
    a, sign, b = task.groups()
    return abs(float(numbers[-1]) - result(float(a), sign, float(b))) < 1e-6
