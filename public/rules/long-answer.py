# long-answer.js for TRL and verl.
import re

# What JavaScript calls white space.
SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def reward(prompt, response, row):
    return min(len(re.findall(f"[^{SPACE}]+", response)), 40) / 10
