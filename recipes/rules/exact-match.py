# exact-match.js for TRL and verl.
import re

# What JavaScript calls white space.
SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def normalized(value):
    text = value if isinstance(value, str) else written(value)
    bare = re.sub(r"[!-/:-@\[-`{-~]", "", text.lower())
    return re.findall(f"[^{SPACE}]+", re.sub(r"\b(a|an|the)\b", " ", bare, flags=re.ASCII))


def written(value):
    """A value of JSON as JavaScript writes it."""
    if value is None:
        return "null"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def reward(prompt, response, row):
    if "answers" not in row and "answer" not in row:
        raise ValueError('the data has no column "answer"')
    answers = row.get("answers", row.get("answer"))
    if not isinstance(answers, list):
        answers = [answers]
    return any(normalized(answer) == normalized(response) for answer in answers)
