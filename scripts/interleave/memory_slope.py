"""What does one more waiting agent cost? Bytes per agent, as a slope over numbers of agents.

A level would charge the agents for what the library allocates once. Where a run's memory is
set-up, agents and noise, the set-up cancels in the slope between two sizes, and the noise weighs
the less the further they lie apart.
"""

import json
from collections import defaultdict

from . import stats
from .estimates import estimated
from .memory import has_many_threads, own_memory


def memory_per_agent(measured, round_of=lambda sample: sample.get("block")):
    """Per scenario, other parameters and model: bytes per agent, its median and interval over the
    blocks, and the sizes behind it. round_of: see records.Result."""
    groups = defaultdict(lambda: defaultdict(dict))
    for s in measured:
        if own_memory(s) is not None and s["params"].get("agents"):
            rest = {k: v for k, v in s["params"].items() if k != "agents"}
            key = (s["scenario"], json.dumps(rest, sort_keys=True), s["model"])
            groups[key][s["params"]["agents"]][round_of(s)] = s
    rows = []
    for (scenario, rest, model), by_agents in sorted(groups.items()):
        sizes = _sizes(by_agents)
        memory = {size: _counted_alike(by_agents[size], by_agents, sizes) for size in sizes}
        slopes = _slopes_of_blocks(memory)
        if slopes:
            rows.append({"scenario": scenario, "params": json.loads(rest), "model": model,
                         "from_agents": sizes[0], "to_agents": sizes[-1], "sizes": sizes,
                         "bytes_per_agent": estimated(slopes)})
    return rows


def _sizes(by_agents):
    """The sizes that the slope runs over, the least first: none where there are not two.

    The largest is the largest with blocks enough for an interval, or of all where none has.
    Smaller ones count from where the model is past its set-up: from where its agents, at the slope
    of the two largest, make up at least half of what the run added. Before that, what the memory
    follows is how pools, buffers and tables of the library come about, not the agents.
    """
    enough = [n for n, blocks in by_agents.items() if stats.interval_rank(len(blocks))]
    sizes = sorted(n for n in by_agents if n <= max(enough or by_agents))
    if len(sizes) < 3:
        return sizes if len(sizes) == 2 else []
    levels = {n: stats.median(_counted_alike(by_agents[n], by_agents, sizes).values() or [0])
              for n in sizes}
    pilot = (levels[sizes[-1]] - levels[sizes[-2]]) / (sizes[-1] - sizes[-2])
    past = [n for n in sizes[:-2] if levels[n] > 0 and pilot * n >= levels[n] / 2]
    return past + sizes[-2:]


def _counted_alike(blocks, by_agents, sizes):
    """Own memory per block. If any size of a comparison has many threads, all count what the
    kernel keeps for threads; where that is not known, the sample is out."""
    many = any(has_many_threads(s) for n in sizes for s in by_agents[n].values())
    counted = {block: own_memory(s, many) for block, s in blocks.items()}
    return {block: value for block, value in counted.items() if value is not None}


def _slopes_of_blocks(memory):
    """memory: size -> block -> bytes. One slope for each block that has the largest size and a
    smaller one; blocks without it do not reach as far, and a median over both would mix two
    ranges."""
    sizes = sorted(memory)
    slopes = []
    for block in sorted(memory[sizes[-1]], key=str) if sizes else []:
        points = [(n, memory[n][block]) for n in sizes if block in memory[n]]
        if len(points) > 1:
            slopes.append(stats.theil_sen(points))
    return slopes
