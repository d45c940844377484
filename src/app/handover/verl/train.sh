#!/usr/bin/env bash
# Goes on with a run of Ponder in verl 0.9.1: one machine, or each machine of a Ray cluster.
#   GPUS=8 bash train.sh                one machine with eight cards
#   NODES=2 GPUS=8 bash train.sh        on the first machine of a Ray cluster of two
# Any key of verl can follow, such as actor_rollout_ref.rollout.name=sglang.
set -euo pipefail
# All machines of a cluster read this folder under the same path.
cd "$(dirname "${BASH_SOURCE[0]}")"
# The logger "file" writes the curves beside the completions, for Ponder's page.
mkdir -p rollouts
export VERL_FILE_LOGGER_PATH="$PWD/rollouts/metrics.jsonl"
python3 -m verl.trainer.main_ppo \
{arguments}
  trainer.n_gpus_per_node="${GPUS:-1}" \
  trainer.nnodes="${NODES:-1}" \
  "$@"
