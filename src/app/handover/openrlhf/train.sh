#!/usr/bin/env bash
# Goes on with a run of Ponder in OpenRLHF 0.11.2: one machine, or each machine of a Ray cluster.
#   GPUS=8 bash train.sh                one machine with eight cards
#   NODES=2 GPUS=8 bash train.sh        on the first machine of a Ray cluster of two
# Any argument of OpenRLHF can follow, such as --ds.zero_stage 3.
set -euo pipefail
# All machines of a cluster read this folder under the same path.
cd "$(dirname "${BASH_SOURCE[0]}")"
python3 -m openrlhf.cli.train_ppo_ray \
{arguments}
  --actor.num_nodes "${NODES:-1}" --actor.num_gpus_per_node "${GPUS:-1}" \
  --ref.num_nodes "${NODES:-1}" --ref.num_gpus_per_node "${GPUS:-1}" \
  --vllm.num_engines "$((${NODES:-1} * ${GPUS:-1}))" \
  "$@"
