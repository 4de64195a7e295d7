"""What is run, in which order, and how long that will take."""

import random
from dataclasses import dataclass, field

from .cells import traced_cells

# What a process takes beside the run itself, measured: start, probes of the unit costs, the row.
STARTUP_S = 0.05
# What the table of the memory-bound kernel takes to build, where a cell uses that kernel.
TABLE_S = 0.1
# How much longer than its bound a run may be expected to take.
SLACK = 1.06
SHORTEST_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Profile:
    name: str
    blocks: int
    budget_s: float  # of measuring, on two cores
    limit_s: float   # a model whose bound is longer is not run: a skipped row carries the bound


PROFILES = {profile.name: profile for profile in (
    Profile("smoke", 1, 20, 1.5),
    Profile("quick", 6, 4 * 60, 8),
    Profile("standard", 15, 25 * 60, 10),
    Profile("publication", 30, 90 * 60, 20),
)}


@dataclass
class Plan:
    profile: Profile
    entries: list = field(default_factory=list)   # lines of plan.jsonl, in the order of running
    trimmed: list = field(default_factory=list)   # cells left out, with why
    order_seed: int = 1

    def predicted_s(self):
        return sum(entry["predicted_s"] for entry in self.entries)


def bound_ns(answer, structure):
    """No schedule of this structure is faster. An unknown structure has no bound of its own."""
    return answer["lb_model_ns"].get(structure) or answer["lb_ns"]


def predicted_s(answer, structure):
    bound = max(answer["greedy_ns"], bound_ns(answer, structure))
    table = TABLE_S if (answer.get("unit_cost_ns") or {}).get("topk") else 0.0
    return bound * 1e-9 * SLACK + STARTUP_S + table


def latin_order(models, cell_id, block, seed):
    """The order of a block: a row of a cyclic Latin square, freshly seeded after its last row."""
    square, row = divmod(block, len(models))
    dice = random.Random(f"{seed}/{cell_id}/{square}")
    symbols, rows = list(models), list(range(len(models)))
    dice.shuffle(symbols)
    dice.shuffle(rows)
    return [symbols[(rows[row] + column) % len(symbols)] for column in range(len(symbols))]


@dataclass
class PlannedCell:
    number: int
    cell: object
    answer: dict      # of describe
    structures: dict  # model -> structure
    limit_s: float

    def skip_reason(self, model):
        bound_s = bound_ns(self.answer, self.structures[model]) * 1e-9
        if bound_s <= self.limit_s:
            return None
        return (f"its structural bound of {bound_s:.1f} s exceeds the profile's limit of "
                f"{self.limit_s:g} s")

    def running(self):
        return [model for model in self.structures if not self.skip_reason(model)]

    def block_s(self):
        return sum(predicted_s(self.answer, self.structures[model]) for model in self.running())

    def entry(self, model, mode, name, block, position, dice):
        structure = self.structures[model]
        seconds = predicted_s(self.answer, structure)
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
            "lb_model_ns": bound_ns(self.answer, structure), "lb_ns": self.answer["lb_ns"],
            "greedy_ns": self.answer["greedy_ns"]}


def fitting(planned, budget_s, blocks):
    """Takes cells in their order while they fit the budget; returns those taken and left out."""
    taken, trimmed, spent = [], [], 0.0
    for item in planned:
        seconds = item.block_s() * blocks
        if spent + seconds <= budget_s:
            taken.append(item)
            spent += seconds
        else:
            trimmed.append({"cell_id": item.cell.id(), "predicted_s": round(seconds, 1),
                            "why": f"{item.cell.short()} needs {seconds:.0f} s, "
                                   f"{max(0.0, budget_s - spent):.0f} s of the budget are left"})
    return taken, trimmed


def make_plan(profile, cells, answers, structures, cores, order_seed=1):
    """cells and their answers by describe, the most important first; structures: model -> name."""
    planned = [PlannedCell(number, cell, answer, structures, profile.limit_s)
               for number, (cell, answer) in enumerate(zip(cells, answers), 1)]
    traced = [item for item in planned if item.cell in traced_cells(cores)]
    reserve = sum(item.block_s() for item in traced)
    taken, trimmed = fitting(planned, profile.budget_s - reserve, profile.blocks)
    plan = Plan(profile, [], trimmed, order_seed)
    dice = random.Random(f"{order_seed}/{profile.name}")
    for item in taken:
        plan.entries += [item.entry(model, "timed", "skip", 0, None, dice)
                         for model in structures if item.skip_reason(model)]
    for block in range(profile.blocks):
        for item in dice.sample(taken, len(taken)):
            add_block(plan, item, block, dice)
    for item in traced:
        plan.entries += [item.entry(model, "trace", "trace", None, None, dice)
                         for model in item.running()]
    return plan


def add_block(plan, item, block, dice):
    running = item.running()
    if not running:
        return
    order = latin_order(running, item.cell.id(), block, plan.order_seed)
    plan.entries += [item.entry(model, "timed", f"b{block:02d}", block, position, dice)
                     for position, model in enumerate(order)]
