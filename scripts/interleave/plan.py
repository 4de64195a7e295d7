"""What is run, in which order, and how long that will take."""

import random
from dataclasses import dataclass, field
from itertools import chain, product

from .canary import AT_THE_START
from .cells import more_of_the_same, most_blocks, traced_cells

# What a process takes beside the run itself, measured: start, probes of the unit costs, the row.
STARTUP_S = 0.04
# A canary, before each block.
CANARY_S = 0.025
STARTUP_CANARIES_S = AT_THE_START * CANARY_S
# What the table of the memory-bound kernel takes to build, where a cell uses that kernel.
TABLE_S = 0.1
# A reference in another language has an interpreter to start.
REFERENCE_STARTUP_S = 0.1
# What a turn costs beside its steps, roughly: it counts where turns are many and short.
TURN_S, THREAD_S, REFERENCE_TURN_S = 3e-6, 40e-6, 20e-6
# The same for a call over TCP, where the mock LLM has no CPU of its own; and for its start.
CALL_S, REFERENCE_CALL_S, ENDPOINT_S = 18e-6, 70e-6, 0.02
# How much longer than its bound a run may be expected to take.
SLACK = 1.05
SHORTEST_TIMEOUT_S = 20.0
# No machine starts more at once, so a model that would is done soon.
MOST_THREADS = 32_000
# Where time is short a cell gets these numbers of blocks before it gets all: an interval needs 6.
FEWER_BLOCKS = (6, 15)
# What a model is called that runs a second time in a block, beside its own name.
AGAIN = "-aa"
# A shorter run says more of its start than of what disturbs a run.
SHORTEST_AGAIN_NS = 100_000_000
# Timelines are drawn of every model, unless that would take more than this share of the budget.
MOST_FOR_TRACES = 0.4


@dataclass(frozen=True)
class Profile:
    name: str
    blocks: int
    budget_s: float  # of measuring, on two cores
    limit_s: float   # a model whose bound is longer is not run: a skipped row carries the bound


PROFILES = {profile.name: profile for profile in (
    Profile("smoke", 1, 20, 1.5),
    Profile("quick", 6, 4 * 60, 8),
    Profile("standard", 15, 30 * 60, 10),
    Profile("publication", 30, 90 * 60, 20),
)}


@dataclass
class Plan:
    profile: Profile
    entries: list = field(default_factory=list)   # lines of plan.jsonl, in the order of running
    trimmed: list = field(default_factory=list)   # what the budget cost, each with why
    order_seed: int = 1

    def predicted_s(self):
        blocks = {(e["cell_id"], e["block"]) for e in self.entries
                  if e["block"] is not None and not e["skip_reason"]}
        return (sum(entry["predicted_s"] for entry in self.entries) + CANARY_S * len(blocks)
                + STARTUP_CANARIES_S)


def bound_ns(answer, structure):
    """No schedule of this structure is faster. An unknown structure has no bound of its own."""
    return answer["lb_model_ns"].get(structure) or answer["lb_ns"]


def predicted_s(answer, said, params=None):
    """Of one process; said: what its model says of itself; params: of its cell."""
    reference = said.get("rung") == "reference"
    bound = max(answer["greedy_ns"], bound_ns(answer, said["structure"]))
    if (params or {}).get("stop_after_us") is not None:
        bound = min(bound, params["stop_after_us"] * 1000)
    table = TABLE_S if (answer.get("unit_cost_ns") or {}).get("topk") else 0.0
    turns = answer.get("turns", 0)
    overhead = turns * (REFERENCE_TURN_S if reference else TURN_S)
    if said["structure"] == "thread_per_turn":
        overhead = min(turns, MOST_THREADS) * THREAD_S
    start = STARTUP_S + (REFERENCE_STARTUP_S if reference else 0.0)
    return bound * 1e-9 * SLACK + start + table + overhead + calling_s(
        answer, params or {}, reference)


def calling_s(answer, params, reference):
    """What sockets cost; nothing where waits are timers."""
    if params.get("io") != "tcp":
        return 0.0
    return ENDPOINT_S + answer.get("calls", 0) * (REFERENCE_CALL_S if reference else CALL_S)


def latin_order(models, cell_id, block, seed):
    """The order of a block: a row of a cyclic Latin square, freshly seeded after its last row. In
    which order the models are given makes no difference."""
    square, row = divmod(block, len(models))
    dice = random.Random(f"{seed}/{cell_id}/{square}")
    symbols, rows = sorted(models), list(range(len(models)))
    dice.shuffle(symbols)
    dice.shuffle(rows)
    return [symbols[(rows[row] + column) % len(symbols)] for column in range(len(symbols))]


@dataclass
class PlannedCell:
    number: int
    cell: object
    answer: dict      # of describe
    about: dict       # model -> what it says of itself
    limit_s: float
    blocks: int = 0   # in which it is run
    again: str | None = None  # the model that runs twice in each block

    def skip_reason(self, model):
        bound_s = bound_ns(self.answer, self.about[model]["structure"]) * 1e-9
        if bound_s <= self.limit_s:
            return None
        return (f"its structural bound of {bound_s:.1f} s exceeds the profile's limit of "
                f"{self.limit_s:g} s")

    def running(self):
        return [model for model in self.about if not self.skip_reason(model)]

    def most_blocks(self, profile):
        return min(profile.blocks, most_blocks(self.cell) or profile.blocks)

    def block_s(self):
        models = self.running()
        if not models:
            return 0.0
        return CANARY_S + sum(map(self.predicted_s, models + ([self.again] if self.again else [])))

    def computes_only(self):
        return not any(self.answer.get(kind) for kind in ("waits", "calls", "blocks"))

    def shows_noise(self):
        """An ordinary cell with agents enough to be scheduled, and models enough for an order. Of
        one that computes nothing the time is the wait, whatever goes on."""
        costs = self.answer.get("unit_cost_ns")
        return (self.cell == self.cell.ordinary() and self.cell.agents > self.cell.workers
                and (costs is None or any(costs.values())) and len(self.running()) >= 3)

    def predicted_s(self, model):
        return predicted_s(self.answer, self.about[model], self.cell.params())

    def entry(self, model, mode, name, block, position, dice):
        seconds = self.predicted_s(model)
        reason = self.skip_reason(model)
        return {
            "exec_id": f"{self.number:02d}-{model}-{name}", "cell_id": self.cell.id(),
            "model": model, "scenario": self.cell.scenario, "params": self.cell.params(),
            "mode": mode, "block": block, "position": position,
            "expect": f"{self.answer['digest']}:{self.answer['sum']}",
            "predicted_s": 0.0 if reason else round(seconds, 3),
            "timeout_s": round(max(SHORTEST_TIMEOUT_S, 4 * seconds), 1),
            "skip_reason": reason,
            # Bytes of an environment variable: the stack's alignment differs from run to run.
            "padding": dice.randrange(4096),
            "lb_model_ns": bound_ns(self.answer, self.about[model]["structure"]),
            "lb_ns": self.answer["lb_ns"],
            "greedy_ns": self.answer["greedy_ns"]}


def fitting(tiers, budget_s, profile):
    """Gives each cell its blocks; returns the cells that are run, and what did not fit.

    Within a tier time goes to more cells before it goes to more blocks of those there are, each in
    the order of the cells. The first cell is run whatever it costs: with nothing to measure nobody
    is served."""
    left, trimmed = budget_s, []
    for item in chain(*tiers):
        item.blocks = 0
    targets = sorted({min(blocks, profile.blocks) for blocks in (*FEWER_BLOCKS, profile.blocks)})
    for tier, target in product(tiers, targets):
        for item in tier:
            more = min(target, item.most_blocks(profile)) - item.blocks
            seconds = item.block_s() * more
            if seconds <= max(0.0, left) or left == budget_s:
                item.blocks += more
                left -= seconds
            elif target == targets[0]:
                trimmed.append(not_fitting(item, seconds, left))
    planned = [item for tier in tiers for item in tier]
    return [item for item in planned if item.blocks], trimmed + fewer_blocks(planned, profile)


def not_fitting(item, seconds, left):
    return {"what": "cell", "cell_id": item.cell.id(), "predicted_s": round(seconds, 1),
            "why": f"{item.cell.short()} needs {seconds:.0f} s, {max(0.0, left):.0f} s of the "
                   "budget are left"}


def fewer_blocks(planned, profile):
    """An entry for each number of blocks, with the cells that have no more."""
    cells_of = {}
    for item in planned:
        if 0 < item.blocks < item.most_blocks(profile):
            name = f"{item.blocks} of {item.most_blocks(profile)} blocks"
            cells_of.setdefault(name, []).append(item.cell)
    return [{"what": "blocks", "cell_ids": [cell.id() for cell in cells],
             "why": f"{name}: {'; '.join(cell.short() for cell in cells)}"}
            for name, cells in cells_of.items()]


def choose_again(cells, seed):
    """Where and which model runs a second time, to see the noise: of the cells with the most blocks
    in the cheapest that is not too short, one that only computes and one that waits. The model is
    drawn."""
    for computes_only in (True, False):
        fit = [item for item in cells
               if item.shows_noise() and item.computes_only() == computes_only]
        fit = [item for item in fit if item.blocks == max(each.blocks for each in fit)]
        long = [item for item in fit if item.answer["greedy_ns"] >= SHORTEST_AGAIN_NS]
        if not long:
            long = sorted(fit, key=lambda item: item.answer["greedy_ns"])[-1:]
        if long:
            item = min(long, key=PlannedCell.block_s)
            models = [model for model in item.running()
                      if item.about[model].get("rung") != "reference"] or item.running()
            dice = random.Random(f"{seed}/again/{item.cell.id()}")
            item.again = dice.choice(sorted(models))


def make_plan(profile, cells, answers, about, cores, order_seed=1):
    """cells and their answers by describe, the most important first; about: model -> what it says
    of itself."""
    planned = [PlannedCell(number, cell, answer, about, profile.limit_s)
               for number, (cell, answer) in enumerate(zip(cells, answers), 1)]
    traced = [item for item in planned if item.cell in traced_cells(cores)]
    reserve, no_timelines = sum(item.block_s() for item in traced), []
    if reserve > MOST_FOR_TRACES * profile.budget_s:
        no_timelines = [{"what": "timelines", "cell_id": item.cell.id(), "why":
                         f"timelines of {item.cell.short()}, for which {item.block_s():.0f} s is "
                         f"more than {MOST_FOR_TRACES:.0%} of the budget"} for item in traced]
        traced, reserve = [], 0.0
    extras = [item for item in planned if item.cell in more_of_the_same(cores)]
    tiers = [item for item in planned if item not in extras], extras
    budget_s = profile.budget_s - reserve - STARTUP_CANARIES_S
    taken, trimmed = fitting(tiers, budget_s, profile)
    if profile.blocks >= FEWER_BLOCKS[0]:
        choose_again([item for item in tiers[0] if item.blocks], order_seed)
        taken, trimmed = fitting(tiers, budget_s, profile)  # once more, with what that costs
    for entry in trimmed:
        if any(entry.get("cell_id") == item.cell.id() for item in traced):
            entry["why"] += " (only its timelines are drawn)"
    plan = Plan(profile, [], trimmed + no_timelines, order_seed)
    dice = random.Random(f"{order_seed}/{profile.name}")
    for item in taken:
        plan.entries += [item.entry(model, "timed", "skip", 0, None, dice)
                         for model in about if item.skip_reason(model)]
    for block in range(profile.blocks):
        for item in dice.sample(taken, len(taken)):
            if block < item.blocks:
                add_block(plan, item, block, dice)
    for item in traced:
        plan.entries += [item.entry(model, "trace", "trace", None, None, dice)
                         for model in item.running()]
    return plan


def add_block(plan, item, block, dice):
    running = item.running()
    if not running:
        return
    runs = {model: (model, "timed", "") for model in running}
    if item.again:
        runs[item.again + AGAIN] = item.again, "aa", "aa-"
    order = latin_order(runs, item.cell.id(), block, plan.order_seed)
    for position, name in enumerate(order):
        model, mode, prefix = runs[name]
        plan.entries.append(item.entry(model, mode, f"{prefix}b{block:02d}", block, position, dice))
