"""When to use which? A table in words, written by the data of a result and by nothing else.

A situation is a property of cells: how many agents, how much they compute, how small the pieces
are. What to use in it are the models that no other beats there, the plainest first. Rows without
data are not there, and what is not resolved says so.
"""

from dataclasses import dataclass

from . import style, units
from .chart_data import describe, row_of
from .stats import ENOUGH_BLOCKS, SLOWER, verdict
from .verdicts import ratio_of_estimates, tier_of_estimates
from .winner_map import (PLAIN, STRUCTURES, as_row, least_loss, plainest_first, standing, state,
                         times, winners)

FEW, FEW_AT_MOST = 8, 32  # agents for each CPU, and in all
MANY, MANY_IN_ALL = 100, 1000  # the same, of which one suffices
WAITING, COMPUTING = 0.02, 0.2  # computing over waiting: up to which, and from which on
SMALL_NS, LARGE_NS = 20_000, 200_000  # a piece of computing is at most, or at least, so long
LATE_SHARE = 0.01  # of heartbeats, more than 10 ms late: with more, something else is kept waiting
WAITS_ONLY = "parked"  # the scenario whose agents do nothing else
NAMED = 3  # models that are named of several
NOTHING_WORSE = "nothing is proved to be worse"


@dataclass(frozen=True)
class Advice:
    situation: str
    where: str  # which cell says so
    use: str
    because: str
    avoid: str
    alone: bool = True  # each comparison by itself; not: all pairs of the cell judged together
    hint: bool = False  # by fewer blocks than the run has


@dataclass(frozen=True)
class Facts:
    """What can be said of a cell without looking at who won it."""

    cell: dict
    tier: dict
    agents: int
    cpus: int
    share: float
    default_workers: bool

    @property
    def piece_ns(self):
        """The mean length of a turn, its waits and its computing together; None: not known."""
        turns, all_of_it = self.tier.get("turns"), self.tier.get("t1_ns")
        return all_of_it / turns if turns and all_of_it is not None else None

    @property
    def has_waits(self):
        return bool(self.tier.get("waits"))

    @property
    def never_waits(self):
        return self.tier.get("waits") == 0  # and not: nobody knows


def advice(summary):
    """At most seven rows, from few agents to very many."""
    rows = [_of_a_race(summary, words, fits, closest) for words, fits, closest in (
        ("A few agents that mostly wait", _few_wait, lambda f: (f.agents, f.share)),
        ("Many agents that mostly wait", _many_wait, lambda f: (f.agents, f.share)),
        ("Agents that wait, and compute much as well", _half, lambda f: (
            -abs(f.share - 0.5), f.agents)),
        ("Only computing, in large pieces", _only_computes, lambda f: (f.agents,)))]
    rows.append(_of_a_race(summary, "A stream of small tasks that never wait", _small_tasks,
                           lambda f: (f.tier["turns"],), cost=_cost_of_a_task))
    rows += [_responsive(summary), _waiting_in_memory(summary)]
    return [row for row in rows if row]


def _few_wait(f):
    return f.has_waits and 0 < f.share <= WAITING and 2 <= f.agents <= min(FEW * f.cpus,
                                                                         FEW_AT_MOST)


def _many_wait(f):
    return f.has_waits and 0 < f.share <= WAITING and (f.agents >= MANY * f.cpus
                                                       or f.agents >= MANY_IN_ALL)


def _half(f):
    return f.has_waits and COMPUTING <= f.share <= 1 and f.agents > f.cpus


def _only_computes(f):
    return (f.never_waits and f.piece_ns is not None and f.piece_ns >= LARGE_NS
            and f.agents > f.cpus)


def _small_tasks(f):
    return f.never_waits and f.piece_ns is not None and f.piece_ns <= SMALL_NS


def _facts(summary):
    tiers = {t["cell_id"]: t for t in summary.get("winning_tiers") or []}
    for cell in summary["cells"]:
        params, tier = cell["params"], tiers.get(cell["cell_id"])
        if tier and params.get("agents"):
            yield Facts(cell, tier, params["agents"], cell.get("cpus") or 1,
                        params.get("cpu_share") or 0,
                        params.get("workers") == summary["default_workers"])


def _of_a_race(summary, situation, fits, closest, cost=None):
    """Advice from the cell that fits, in which most models were compared; None without any."""
    def telling(f):
        compared = len(winners(f.tier)) + len(f.tier["unresolved"]) + len(f.tier["slower"])
        scenario = -style.scenario_order(f.cell["scenario"])[0]
        return f.default_workers, compared, scenario, closest(f), f.cell["cell_id"]

    found = max(filter(fits, _facts(summary)), key=telling, default=None)
    if found is None:
        return None
    order = plainest_first(summary)
    first = min(winners(found.tier), key=order.index)
    because = (cost or _time)(found, first) + _beside_the_fastest(found.tier, first)
    alone = found.tier.get("hint", True)
    hint = alone and (summary.get("blocks") or 0) >= ENOUGH_BLOCKS  # or the whole page is one
    where = f", in {units.plural(found.tier['n'], 'block')}: a hint" if hint else ""
    return Advice(situation, _where(summary, found.cell) + where,
                  _use(summary, found.tier, order), because,
                  _avoid(summary, found.tier, order, " as long"), alone, hint)


def _where(summary, cell):
    params = cell["params"]
    usual = {"workers"} if params.get("workers") == summary["default_workers"] else set()
    told = [describe(k, params[k]) for k in ("agents", "workers", "cpu_share", "grain_us")
            if params.get(k) and k not in usual]
    return f"`{cell['scenario']}`, {', '.join(told)}"


def _use(summary, tier, order, verb="faster"):
    """The winning tier in words, the plainest first."""
    about = {m["model"]: m for m in summary["models"]}
    first, *others = sorted(winners(tier), key=order.index)
    structure = about[first].get("structure")
    kind = STRUCTURES.get(structure)
    if state(tier) == "open":
        rivals = _list(sorted(tier["unresolved"], key=order.index))
        return f"not resolved here: {_name(about, first)} or {rivals}"
    if structure in PLAIN:
        # Equal means within the margin; and of what is not resolved nobody knows.
        sure = "" if first == tier["best"] and not tier["unresolved"] else "clearly "
        text = f"{_name(about, first)}: {kind} is enough, nothing measured is {sure}{verb}"
    elif others:
        text = f"{_name(about, first)}: {kind}" if kind else _name(about, first)
    else:
        beaten = units.plural(len(tier["slower"]), "other model")
        text = f"{_name(about, first)}{f' ({kind})' if kind else ''}: {verb} than {beaten}"
    return text + (f". Just as good: {_list(others)}" if others else "")


def _name(about, model):
    rung = style.label(about[model])[len(model):]
    return f"**`{model}`**{rung}"


def _list(models):
    named = [f"`{m}`" for m in models[:NAMED]]
    rest = len(models) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")


def _time(facts, model):
    row = row_of(facts.cell, model)
    share = f", {units.percent(row['efficiency']['median'])} of the possible speed" \
        if row["efficiency"] else ""
    return f"{_with_interval(row['makespan_ns'], units.duration)}{share}"


def _cost_of_a_task(facts, model):
    e = row_of(facts.cell, model)["makespan_ns"]
    each = {k: None if e[k] is None else e[k] / facts.tier["turns"]
            for k in ("median", "low", "high")}
    return f"{_with_interval(each, units.duration)} a task"


def _with_interval(e, words):
    """A median with its interval, in the unit of the median; no interval that says no more."""
    text = words(e["median"])
    if e["low"] is None:
        return text
    low, high = words(e["low"]), words(e["high"])
    if low == high:
        return text
    unit = text.split(" ")[-1]
    if low.endswith(f" {unit}") and high.endswith(f" {unit}"):
        low = low[: -len(unit) - 1]
    return f"{text} [{low} to {high}]"


def _beside_the_fastest(tier, model):
    ratio = tier["ratios"].get(model)
    if model == tier["best"] or not ratio or _ratio(ratio) == times(1):
        return ""
    return f"; {_ratio(ratio)} the time of `{tier['best']}`, the least"


def _ratio(ratio):
    """With its interval, in as many decimals as the median has."""
    text = times(ratio["median"])
    if ratio["low"] is None:
        return text
    decimals = len(text[:-1].partition(".")[2])
    low, high = (f"{ratio[key]:,.{decimals}f}" for key in ("low", "high"))
    return text if low == high else f"{text} [{low} to {high}]"


def _avoid(summary, tier, order, words):
    """What loses, by how much: of each kind of code that is beaten as a whole the least beaten, the
    plainest kind first; then who is beaten by most."""
    kinds = {}
    for said in summary["models"]:
        kinds.setdefault(said.get("structure") or said["model"], []).append(said["model"])
    plain = sorted(kinds, key=lambda k: (PLAIN.index(k) if k in PLAIN else len(PLAIN),
                                         min(map(order.index, kinds[k]))))
    told = [least_loss(tier, kinds[k]) for k in plain if standing(tier, kinds[k]) == "out"]
    worst = [least_loss(tier, [m]) for m in tier["slower"]]
    worst = sorted((w for w in worst if w not in told), key=lambda w: -w[1])
    told = (told + worst)[:NAMED]
    texts = [f"`{m}` {_at_least(tier, m, ratio, bound)}" for m, ratio, bound in told]
    texts = [", ".join(texts) + words] if texts else []
    if tier["unresolved"] and state(tier) != "open":
        texts.append(f"not resolved: {_list(sorted(tier['unresolved'], key=order.index))}")
    return "; ".join(texts) or NOTHING_WORSE


def _at_least(tier, model, ratio, bound):
    return f"at least {times(ratio)}" if bound else _ratio(tier["ratios"][model])


def _responsive(summary):
    """Who serves heartbeats in time while agents compute or block; from the cell that tells most
    models apart."""
    cells = (summary.get("responsiveness") or {}).get("cells") or []
    judged = [(cell, _in_time(cell)) for cell in cells]
    judged = [(cell, found) for cell, found in judged if any(found.values())]
    if not judged:
        return None
    cell, (kept, late, unclear) = max(
        ((cell, tuple(found[k] for k in ("kept", "late", "unclear"))) for cell, found in judged),
        key=lambda c: (min(len(c[1][0]), len(c[1][1])), sum(map(len, c[1])), c[0]["cell_id"]))
    order, rows = plainest_first(summary), {row["model"]: row for row in cell["models"]}
    about = {m["model"]: m for m in summary["models"]}
    situation = "Something else must stay responsive meanwhile"
    if not kept:
        use = f"not resolved here: {_list(sorted(unclear, key=order.index))}" if unclear else \
            "nothing measured keeps 99 of 100 heartbeats within 10 ms"
        return Advice(situation, _where(summary, cell), use, _least_late(rows),
                      _late(rows, late, order))
    # Where waits hold a worker, so do heartbeats: they are in time because the agents are not.
    free = [m for m in kept if about[m].get("structure") != "blocking_workers"]
    first, *others = sorted(free or kept, key=order.index)
    kind = STRUCTURES.get(about[first].get("structure"))
    enough = f": {kind}{' is enough' if about[first].get('structure') in PLAIN else ''}" \
        if kind else ""
    use = f"{_name(about, first)}{enough}" + (
        f". Just as good: {_list(others)}" if others else "")
    return Advice(situation, _where(summary, cell), use, f"{_lag(rows[first])}; "
                  f"{len(kept)} of {len(rows)} keep 99 of 100 heartbeats within 10 ms",
                  _late(rows, late, order))


def _in_time(cell):
    """Models by whether they keep all but one in a hundred heartbeats of a run within 10 ms."""
    found = {"kept": [], "late": [], "unclear": []}
    for row in cell["models"]:
        e = (row.get("of_a_run") or {}).get("share_over_10ms")
        if not e:
            continue
        verdict = ("unclear" if e["low"] is None else "kept" if e["high"] <= LATE_SHARE else
                   "late" if e["low"] > LATE_SHARE else "unclear")
        found[verdict].append(row["model"])
    return found


def _lag(row):
    p99 = row.get("p99_ns")
    return f"heartbeats at most {units.duration(p99)} late, 99 of 100" if p99 is not None else \
        "too few heartbeats for a p99"


def _least_late(rows):
    known = [(row["p99_ns"], m) for m, row in rows.items() if row.get("p99_ns") is not None]
    return f"least late: `{min(known)[1]}`, p99 {units.duration(min(known)[0])}" if known else \
        "too few heartbeats for a p99"


def _late(rows, late, order):
    """The plainest of the late ones: what a reader would try first."""
    told = [f"`{m}` {units.duration(rows[m]['p99_ns'])}" if rows[m].get("p99_ns") is not None
            else f"`{m}`" for m in sorted(late, key=order.index)[:NAMED]]
    rest = f" and {len(late) - NAMED} more" if len(late) > NAMED else ""
    return f"{', '.join(told)}{rest}, 1 in 100 later" if told else NOTHING_WORSE


def _waiting_in_memory(summary):
    """What one more agent adds that only waits: its share of memory is all that it costs. Advised
    are models that were measured with the most agents; others can only lose against them."""
    largest = {}
    for row in summary.get("memory_per_agent") or []:
        known = largest.get(row["model"])
        if row["scenario"] == WAITS_ONLY and not row["params"].get("heartbeat_us") and (
                known is None or _reach(summary, row) > _reach(summary, known)):
            largest[row["model"]] = row
    most = max((row["to_agents"] for row in largest.values()), default=0)
    estimates = {m: row["bytes_per_agent"] for m, row in largest.items()}
    found = tier_of_estimates({m: estimates[m] for m, row in largest.items()
                               if row["to_agents"] == most})
    if found is None or len(estimates) < 2:
        return None
    shorter = {m: ratio_of_estimates(estimates[m], estimates[found.best])
               for m, row in largest.items() if row["to_agents"] < most}
    shorter = {m: ratio for m, ratio in shorter.items() if verdict(ratio) == SLOWER}
    tier = {"best": found.best, "tied": found.tied, "unresolved": found.unresolved,
            "slower": found.slower + sorted(shorter), "at_least": {},
            "ratios": {m: as_row(r) for m, r in (found.ratios | shorter).items()}}
    if len(winners(tier) + tier["unresolved"] + tier["slower"]) < 2:
        return None
    order = plainest_first(summary)
    first = min(winners(tier), key=order.index)
    each = estimates[first]
    million = units.size(each["median"] * 1e6)
    because = (f"{_with_interval(each, units.size)} for each more agent, "
               + (f"{million} for a million" if most >= 1e6 else
                  f"which would be {million} for a million"))
    return Advice("Very many agents that do nothing but wait",
                  f"`{WAITS_ONLY}`, up to {units.plural(most, 'agent')}",
                  _use(summary, tier, order, "smaller"), because,
                  _avoid(summary, tier, order, " the memory"))


def _reach(summary, row):
    return row["params"].get("workers") == summary["default_workers"], row["to_agents"]


def when_to_use_which(summary):
    """For the page: the table, or nothing where no row has data."""
    rows = advice(summary)
    if not rows:
        return ""
    lines = ["| Situation | Use | Because | Not |", "|---|---|---|---|"]
    lines += [f"| **{r.situation}**<br>{r.where} | {r.use} | {r.because} | {r.avoid} |"
              for r in rows]
    return ("## When to use which\n\nWritten by this run's numbers alone. Named first is the "
            "plainest of what no other model beats; ×: times as much as the best, with 95 % "
            f"interval{_judged(rows)}.{_hint(summary)}\n\n" + "\n".join(lines) + "\n")


def _judged(rows):
    """How many comparisons a verdict holds for at once."""
    if all(row.alone for row in rows):
        return ", each comparison by itself"
    apart = [words for words, here in (
        ("in hints", any(row.hint for row in rows)),
        ("for heartbeats and memory", any(row.alone and not row.hint for row in rows))) if here]
    return (". That a model loses is tested for all pairs of its cell together (Holm)"
            + (f"; {', and '.join(apart)}, each comparison stands by itself" if apart else ""))


def _hint(summary):
    blocks = summary.get("blocks") or 0
    return "" if blocks >= ENOUGH_BLOCKS else \
        f" With {units.plural(blocks, 'block')} this is a hint and no verdict."
