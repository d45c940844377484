# short-answer.js for TRL and verl.
import re

# What JavaScript calls white space.
SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
ENOUGH = 20


def reward(prompt, response, row):
    words = len(re.findall(f"[^{SPACE}]+", response))
    return min(1, ENOUGH / words) if words else 0
