"""The reward of the run, as verl calls it: reward.custom_reward_function.path=reward.py."""
import json
import sys
import threading
from pathlib import Path

# verl loads this file by its path, from any working directory.
sys.path.insert(0, str(Path(__file__).parent))

from scoring import REWARDS, RUN, response_in

# verl calls this from several threads; each model is loaded once.
one_at_a_time = threading.Lock()


def compute_score(data_source, solution_str, ground_truth, extra_info, **_):
    """The weighted sum as `score`, and each reward under its name."""
    judged = [json.loads(extra_info["turns"])], [response_in(solution_str)], [extra_info["row"]]
    with one_at_a_time:
        rewards = {name: score(*judged)[0] for name, score in REWARDS.items()}
    return {"score": sum(w * r for w, r in zip(RUN["weights"], rewards.values())), **rewards}
