# good-dinner.js for TRL and verl.
import re

CONTAINS = {
    "meat": ["ham", "burger", "satay", "jelly"],
    "milk": ["pizza", "gratin", "korma", "cake", "custard"],
    "nuts": ["satay", "korma", "tart", "praline"],
    "wheat": ["burger", "pizza", "noodles", "cake", "tart", "waffle"],
}
AVOIDS = {"veggie": "meat", "dairyfree": "milk", "nutfree": "nuts", "wheatfree": "wheat"}
MAINS = ["ham", "burger", "pizza", "noodles", "gratin", "satay", "korma", "beans"]
SWEETS = ["cake", "tart", "waffle", "custard", "praline", "jelly", "sorbet", "plums"]
MOST_LEFT = 2
TASK = re.compile(r"menu ([^\n\r\u2028\u2029]*) for [A-Za-z0-9_]+ ([A-Za-z0-9_]+) budget ([0-9]+)")


def priced(text):
    """["ham 1", "pizza 7"] from a text with dishes and prices."""
    return [item for item in re.findall(r"[a-z]+ [0-9]+", text) if item.split(" ")[0] in MAINS + SWEETS]


def reward(prompt, response, row):
    task = TASK.fullmatch(prompt.strip())
    if task is None or task[2] not in AVOIDS:
        return False
    plan, offered = priced(response), priced(task[1])
    if len(plan) != 2 or any(item not in offered for item in plan):
        return False
    dishes = [item.split(" ")[0] for item in plan]
    if not any(dish in MAINS for dish in dishes) or not any(dish in SWEETS for dish in dishes):
        return False
    if any(dish in CONTAINS[AVOIDS[task[2]]] for dish in dishes):
        return False
    return 0 <= float(task[3]) - sum(float(item.split(" ")[1]) for item in plan) <= MOST_LEFT
