"""May a result be cited? The result's own answer, with every reason as a plain sentence.

A result is *citable* if no rule below applies to it, *with caution* if one of the second kind does,
and *not citable* if one of the first kind does. The rules stand in `_RULES`, once: each has its
level, its words, and a function that says what was seen of it in a result, and why that matters.
`RULES` are their levels and words, for whoever writes them down. In short:

- Not citable is what was not measured, not proved or cannot be built again: the smoke profile,
  fewer blocks than an interval needs, an unfinished run, changed files, a failed proof, code that
  no commit holds, a debug build; and a run most of which was disturbed, or failed.
- With caution is what was measured where other things may have had a say, or may not be seen:
  noise, disturbances, theft, what the machine did not tell, what was left out.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import comb

from . import checks, stats, units
from .machine import is_virtual
from .units import exact_percent

LEVELS = ["citable", "with caution", "not citable"]
CITABLE, CAUTION, VOID = LEVELS
COLOURS = dict(zip(LEVELS, ("green", "yellow", "red")))  # on a terminal

LEAST_BLOCKS = 6             # that an interval of 95 % needs
NOISE = stats.MARGIN         # by which the same model may differ from itself
CHANCE = 0.05                # of an interval of 95 % to miss
DISTURBED, MOSTLY = 0.1, 0.5  # share of blocks that were disturbed
FAILED = 0.1                 # share of processes that ended without a sample
STOLEN, STALLED = 0.005, 0.01  # share of the samples' CPU time, and of their time
SMALL = 4                    # CPUs


@dataclass(frozen=True)
class Evidence:
    """What a rule may look at."""

    manifest: dict
    samples: list
    planned: int
    above_one: int = 0
    oddities: int = 0
    noise: dict = field(default_factory=dict)
    disturbed: frozenset = frozenset()  # (cell_id, block)

    @property
    def blocks(self):
        return self.manifest.get("blocks") or 0

    @property
    def machine(self):
        return self.manifest.get("machine") or {}

    @property
    def cpus(self):
        return self.machine.get("usable_cpus") or self.machine.get("cpus")

    @property
    def run(self):
        """Rows of processes that were started."""
        return [s for s in self.samples if s.get("status") not in ("skipped", None)]

    def of(self, status):
        return [s for s in self.samples if s.get("status") == status]

    def share_disturbed(self):
        blocks = {(s.get("cell_id"), s["block"]) for s in self.run if s.get("block") is not None}
        return len(self.disturbed & blocks), len(blocks)


def trust(manifest, samples, planned, above_one, oddities=0, noise=None, disturbed=()):
    """`planned`: processes that should have run; `above_one`: samples better than the reference;
    `oddities`: lines of the files that are damaged, doubled or not planned; `noise`: that section
    of the summary; `disturbed`: (cell, block) where the canary was off."""
    evidence = Evidence(manifest, samples, planned, above_one, oddities, noise or {},
                        frozenset(disturbed))
    found = [(rule.level, text) for level in (VOID, CAUTION) for rule in _RULES
             if rule.level == level for text in rule.seen(evidence)]
    worst = max((LEVELS.index(level) for level, _ in found), default=0)
    return {"level": LEVELS[worst], "reasons": [text for _, text in found],
            "guards": guards(evidence)}


def guards(evidence):
    """What the guards of all samples say together, as shares; None where no sample tells."""
    shares = {"steal": _share(evidence, "steal_ns", evidence.cpus or 1),
              "memory": _share(evidence, "pressure_memory_ns"),
              "io": _share(evidence, "pressure_io_ns")}
    return {name: None if share is None else float(f"{share:.4g}")
            for name, share in shares.items()}


@dataclass(frozen=True)
class Rule:
    level: str
    words: str
    seen: Callable  # of the evidence: what was seen and why it matters, a text each; often nothing


def _smoke(e):
    if e.manifest.get("profile") == "smoke":
        yield ("The smoke profile runs everything once: it shows that it all works, and measures "
               "nothing.")


def _few_blocks(e):
    if e.manifest.get("profile") != "smoke" and e.blocks < LEAST_BLOCKS:
        yield f"{units.plural(e.blocks, 'block')}: an interval needs {LEAST_BLOCKS}."


def _dirty(e):
    if e.manifest.get("dirty"):
        yield ("The code had changes that no commit holds (dirty tree): nobody can build it again.")


def _unfinished(e):
    if not e.manifest.get("finished_utc"):
        yield "The run was not finished: what is missing may be what is slow."


def _unproved(e):
    if invalid := e.of("invalid"):
        yield (f"{units.plural(len(invalid), 'sample')} failed the proof of work "
               f"({_models(invalid)}): the work was not done as it has to be.")


def _changed_files(e):
    if e.oddities:
        yield ("The files are not as a run leaves them: "
               f"{e.oddities:,} {'oddity' if e.oddities == 1 else 'oddities'}, named below.")


def _slow_build(e):
    if _build(e) == "fail":
        yield (f"The programs were built as \"{e.manifest['flags']}\": they are slower than they "
               "need be, and not all by as much.")


def _other_build(e):
    if _build(e) == "warn":
        yield (f"The programs were built as \"{e.manifest['flags']}\", not as \"Release\": numbers "
               "of other results do not compare.")


def _build(e):
    build = e.manifest.get("flags")
    return checks.BY_NAME["build"].state(build) if isinstance(build, str) and build else None


def _mostly_disturbed(e):
    disturbed, blocks = e.share_disturbed()
    if blocks and disturbed / blocks > MOSTLY:
        yield _disturbed_words(disturbed, blocks) + " The machine was busy with something else."


def _some_disturbed(e):
    disturbed, blocks = e.share_disturbed()
    if blocks and DISTURBED < disturbed / blocks <= MOSTLY:
        yield _disturbed_words(disturbed, blocks) + " What else ran may have touched others too."


def _disturbed_words(disturbed, blocks):
    return (f"{disturbed:,} of {units.plural(blocks, 'block')} were disturbed: just before them "
            "the canary was more than 5 % off its usual time. Medians leave them out where the "
            "cell has others.")


def _failed_often(e):
    failed, run = len(e.of("crash")) + len(e.of("timeout")), len(e.run)
    if run and failed / run > FAILED:
        yield (f"{units.percent(failed / run)} of the processes crashed or ran out of time: what "
               "is left may be the lucky ones.")


def _quick(e):
    if e.manifest.get("profile") == "quick" and e.blocks >= LEAST_BLOCKS:
        yield ("The quick profile gives medians and intervals, but no verdicts: those need more "
               "blocks.")


def _commit_unknown(e):
    if e.manifest.get("dirty") is None:
        yield "Whether the code had changes that no commit holds is unknown."


def _ended_badly(e):
    for status, words in (("crash", "crashed"), ("timeout", "ran out of time")):
        if rows := e.of(status):
            yield f"{units.plural(len(rows), 'process', 'es')} {words} ({_models(rows)})."


def _not_taken(e):
    if (absent := e.planned - len(e.samples)) > 0:
        yield f"{units.plural(absent, 'planned sample')} not taken."


def _resumed(e):
    if times := e.manifest.get("resumed_utc"):
        often = "once" if len(times) == 1 else f"{len(times)} times"
        yield (f"The run was interrupted and resumed {often}: in between the machine may have "
               "changed.")


def _nothing_recorded(e):
    if not e.manifest.get("profile") or e.blocks < LEAST_BLOCKS:
        return
    absent = [words for words, there in (
        ("a model against itself (A/A)", e.noise.get("pairs")),
        ("the canary", _told(e.noise.get("canary"))),
        ("CPU time that the host took", _known(e, "steal_ns"))) if not there]
    if absent:
        yield f"Not recorded: {_listed(absent)}. How noisy the machine was is not known."


def _told(canary):
    """Whether it said anything: it may have failed each time."""
    return bool(canary) and (canary.get("n") or 0) > (canary.get("failed") or 0)


def _noisy(e):
    if (floor := e.noise.get("floor")) and floor > NOISE:
        worst = max(_pairs(e), key=_off, default=None)
        where = f" ({_place(e, worst)})" if worst else ""
        yield (f"The same model, run twice under two names, differed by up to "
               f"{units.percent(floor)}{where}: no smaller difference says anything.")


def _told_apart(e):
    pairs = [p for p in _pairs(e) if p["ratio"].get("low") is not None]
    apart = [p for p in pairs if _verdict(p) in (stats.FASTER, stats.SLOWER)]
    if apart and _by_chance(len(apart), len(pairs)) <= CHANCE:
        worst = max(apart, key=_off)
        yield (f"The same model, run twice under two names, was told apart in {len(apart)} of "
               f"{units.plural(len(pairs), 'cell')} (most: {_place(e, worst)}): differences are "
               "found where there are none.")


def _verdict(pair):
    r = pair["ratio"]
    return stats.verdict(stats.Ratio(pair.get("n"), r["median"], r["low"], r["high"]), NOISE)


def _by_chance(seen, among):
    """The probability of as many misses among intervals of 95 %, if nothing is wrong."""
    return sum(comb(among, k) * CHANCE ** k * (1 - CHANCE) ** (among - k)
               for k in range(seen, among + 1))


def _thin_cells(e):
    if e.blocks < LEAST_BLOCKS:
        return
    good, bad = Counter(), Counter()
    for cell, block in {(s.get("cell_id"), s["block"]) for s in e.run
                        if s.get("mode") == "timed" and s.get("block") is not None}:
        (bad if (cell, block) in e.disturbed else good)[cell] += 1
    thin = [cell for cell in bad if good[cell] < LEAST_BLOCKS]
    if thin:
        yield (f"{units.plural(len(thin), 'cell')} with fewer than {LEAST_BLOCKS} blocks that were "
               "not disturbed, in spite of those added: no interval there.")


def _stolen(e):
    share = guards(e)["steal"]
    if share and share > STOLEN:
        yield (f"While samples ran, the host gave {units.percent(share)} of the CPU time to other "
               "guests: the clock went on, and nothing was computed.")


def _stalled(e):
    for key, what in (("memory", "memory"), ("io", "the disk")):
        share = guards(e)[key]
        if share and share > STALLED:
            yield (f"For {units.percent(share)} of the time of the samples something on the "
                   f"machine waited for {what}.")


def _above_one(e):
    if e.above_one:
        yield (f"{units.plural(e.above_one, 'sample')} faster than the ideal (greedy) reference: "
               "the cost of a compute unit drifted.")


def _virtual(e):
    name = e.machine.get("hypervisor")
    if is_virtual(name):
        named = isinstance(name, str) and name != "unnamed"
        yield (f"Virtual machine{f' ({name})' if named else ''}: other guests may take CPU time "
               "unseen.")


def _small(e):
    if e.cpus and e.cpus < SMALL:
        yield (f"Small machine: {units.plural(e.cpus, 'CPU')}. Whatever else runs takes from what "
               "is measured, and more CPUs may rank models otherwise.")


def _unknown_checks(e):
    names = [checks.title(n) for n, c in _checked(e, "before").items() if _state(c) == "unknown"]
    if names:
        yield f"Could not be checked before the run: {', '.join(names)}."


def _bad_checks(e):
    before, after = _checked(e, "before"), _checked(e, "after")
    names = [*before, *(name for name in after if name not in before)]
    bad = [(name, [(moment, checked[name]) for moment, checked in (("before", before),
                                                                   ("after", after))
                   if _state(checked.get(name)) in ("warn", "fail")]) for name in names]
    for name, seen in sorted(bad, key=lambda item: not any(_state(c) == "fail"
                                                           for _, c in item[1])):
        if seen and name != "hypervisor":  # said by a rule of its own
            values = dict.fromkeys(checks.shown(name, c.get("value")) for _, c in seen)
            why = f" {checks.BY_NAME[name].why}" if name in checks.BY_NAME else ""
            yield (f"{' and '.join(moment for moment, _ in seen).capitalize()} the run: "
                   f"{checks.title(name)} {', then '.join(values)}.{why}")


def _trimmed(e):
    kinds = [entry.get("what", "cell") if isinstance(entry, dict) else "cell"
             for entry in e.manifest.get("trimmed") or []]
    if left_out := kinds.count("cell"):
        yield f"{units.plural(left_out, 'cell')} left out to fit the time budget."
    if "blocks" in kinds:
        yield "Fewer blocks of some cells than the profile has, to fit the time budget."


def _models(rows):
    return ", ".join(sorted({s.get("model") or "?" for s in rows}))


def _listed(words):
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _pairs(e):
    return [p for p in e.noise.get("pairs") or [] if (p.get("ratio") or {}).get("median")]


def _off(pair):
    return abs(pair["ratio"]["median"] - 1)


def _place(e, pair):
    """asio in fanout of 1,000 agents."""
    row = next((s for s in e.samples if s.get("cell_id") == pair.get("cell_id")), {})
    agents = (row.get("params") or {}).get("agents")
    of = f" of {units.plural(agents, 'agent')}" if agents else ""
    return f"{pair.get('model')} in {row.get('scenario') or pair.get('cell_id')}{of}"


def _known(e, key):
    """Rows that tell this guard, and for how long they ran."""
    return [s for s in e.run if (s.get("guards") or {}).get(key) is not None and s.get("wall_ns")]


def _share(e, key, cpus=1):
    """Of the time of all samples together; None where no sample tells."""
    rows = _known(e, key)
    time = sum(s["wall_ns"] for s in rows) * cpus
    return sum(s["guards"][key] for s in rows) / time if time else None


def _checked(e, moment):
    found = (e.manifest.get("environment") or {}).get(moment)
    return found if isinstance(found, dict) else {}


def _state(check):
    return check.get("state") if isinstance(check, dict) else None


_RULES = (
    Rule(VOID, "The profile is smoke: everything ran once, to show that it works.", _smoke),
    Rule(VOID, f"There are fewer than {LEAST_BLOCKS} blocks, which an interval of 95 % needs.",
         _few_blocks),
    Rule(VOID, "The code had changes that no commit holds.", _dirty),
    Rule(VOID, "The run was not finished.", _unfinished),
    Rule(VOID, "A sample failed the proof that its work was done.", _unproved),
    Rule(VOID, "A file is not what was measured; or a line of it is damaged, there twice, or of a "
         "process that was not planned.", _changed_files),
    Rule(VOID, "The programs were built for a debugger or with a sanitizer.", _slow_build),
    Rule(VOID, f"More than {exact_percent(MOSTLY)} of the blocks were disturbed.",
         _mostly_disturbed),
    Rule(VOID, f"More than {exact_percent(FAILED)} of the processes crashed or ran out of time.",
         _failed_often),
    Rule(CAUTION, "The profile is quick: too few blocks for verdicts.", _quick),
    Rule(CAUTION, "A model differed from itself (A/A) by more than "
         f"{exact_percent(NOISE)} in the median of a cell.", _noisy),
    Rule(CAUTION, "A model was told apart from itself (A/A) in more cells than chance allows: its "
         f"interval excludes 1 and reaches beyond {exact_percent(NOISE)}.", _told_apart),
    Rule(CAUTION, f"More than {exact_percent(DISTURBED)} of the blocks were disturbed.",
         _some_disturbed),
    Rule(CAUTION, f"A cell has fewer than {LEAST_BLOCKS} undisturbed blocks, in spite of those "
         "added.", _thin_cells),
    Rule(CAUTION, f"The host took more than {exact_percent(STOLEN)} of the CPU time of the "
         "samples.",
         _stolen),
    Rule(CAUTION, f"For more than {exact_percent(STALLED)} of the time of the samples something "
         "waited for memory, or for the disk. (Waiting for a CPU does not count: a model with many "
         "threads does that itself.)", _stalled),
    Rule(CAUTION, "No A/A pair or no canary was recorded, or not how much CPU time the host took.",
         _nothing_recorded),
    Rule(CAUTION, "A process crashed or ran out of time.", _ended_badly),
    Rule(CAUTION, "A planned sample was not taken.", _not_taken),
    Rule(CAUTION, "A sample was faster than the ideal reference by more than 1 %.", _above_one),
    Rule(CAUTION, "The run was interrupted and resumed.", _resumed),
    Rule(CAUTION, "Whether the code had changes that no commit holds is unknown.", _commit_unknown),
    Rule(CAUTION, "The programs were built neither as Release nor for a debugger.", _other_build),
    Rule(CAUTION, "It was measured in a virtual machine.", _virtual),
    Rule(CAUTION, f"The machine has fewer than {SMALL} CPUs to use.", _small),
    Rule(CAUTION, "A check of the machine (doctor) is warn or fail, before or after the run.",
         _bad_checks),
    Rule(CAUTION, "A check of the machine is unknown before the run.", _unknown_checks),
    Rule(CAUTION, "Cells or blocks were left out to fit the time budget.", _trimmed),
)
RULES = tuple((rule.level, rule.words) for rule in _RULES)
