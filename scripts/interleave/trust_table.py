"""How sure is a run of itself? For the page of a result: what was watched, found, and allowed."""

from . import canary, stats, trust, units
from .noise import noise_words
from .units import exact_percent

MOST = 10  # pairs with a row of their own


def trust_table(summary):
    """A row for all that was watched; nothing for older results, in which nothing was."""
    noise, guards = summary.get("noise") or {}, summary["trust"].get("guards") or {}
    rows = [*_noise_rows(noise), *_canary_rows(noise.get("canary") or {}), *_guard_rows(guards)]
    if not rows:
        return ""
    lines = ["| what | found | good up to |", "|---|---:|---:|",
             *(f"| {what} | {found} | {limit} |" for what, found, limit in rows)]
    return ("## How sure is this run of itself?\n\n"
            "One model runs twice under two names (A/A); a fixed piece of computing and a sleep "
            "run before each block (the canary); and the kernel's own counters are read before and "
            f"after each sample. {noise_words(noise)}\n\n" + "\n".join(lines) + "\n")


def _noise_rows(noise):
    """The pairs that are farthest from themselves, and the others together."""
    pairs = sorted(noise.get("pairs") or [], key=lambda p: -abs(p["ratio"]["median"] - 1))
    for pair in pairs[:MOST]:
        ratio = pair["ratio"]
        interval = "" if ratio.get("low") is None else \
            f" [{_off(ratio['low'])} to {_off(ratio['high'])}]"
        scenario, agents = _cell(pair["cell_id"])
        yield (f"A/A: `{pair['model']}` in {scenario}{agents}, n = {pair['n']}",
               f"{_off(ratio['median'])}{interval}", exact_percent(stats.MARGIN))
    if others := pairs[MOST:]:
        yield (f"A/A: {units.plural(len(others), 'other cell')}, all within",
               units.percent(abs(others[0]["ratio"]["median"] - 1)), exact_percent(stats.MARGIN))


def _canary_rows(told):
    blocks = told.get("blocks")
    if told and blocks:
        again = f", {told['appended']:,} measured again" if told.get("appended") else ""
        yield (f"disturbed of {blocks:,} blocks",
               f"{told['disturbed']:,} ({units.percent(told['disturbed'] / blocks)}){again}",
               exact_percent(trust.DISTURBED))
    for key, what in (("kernel_off", "computing"), ("sleep_off", "sleep")):
        usual, most = told.get(key) or (None, None)
        if usual is not None:
            yield (f"canary: {what}, off by", f"{units.percent(usual)}, at most "
                   f"{units.percent(most)}", exact_percent(canary.TOLERANCE))


def _guard_rows(guards):
    for key, what, limit in (
            ("steal", "CPU time that the host took while samples ran", trust.STOLEN),
            ("memory", "time in which something waited for memory", trust.STALLED),
            ("io", "time in which something waited for the disk", trust.STALLED)):
        if guards.get(key) is not None:
            share = units.small_percent(guards[key]) if guards[key] else "none"
            yield what, share, exact_percent(limit)


def _cell(cell_id):
    """(fanout, " of 1,000 agents") of fanout/agents=1000/..."""
    scenario, _, rest = cell_id.partition("/")
    told = dict(part.partition("=")[::2] for part in rest.split("/"))
    agents = told.get("agents", "")
    return scenario, f" of {units.plural(int(agents), 'agent')}" if agents.isdigit() else ""


def _off(ratio):
    return units.signed_percent(ratio, 2)
