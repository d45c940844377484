# one-sentence.js for TRL and verl.
import re

# What JavaScript calls white space.
SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def reward(prompt, response, row):
    words = re.findall(f"[^{SPACE}]+", response)
    if not words or re.search(r"</?[A-Za-z0-9_]+>", response):
        return 0
    return 0.4 + (0.3 if len(words) <= 12 else 0) + (0.3 if words[-1][-1] in ".!?" else 0)
