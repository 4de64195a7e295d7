"""Made-up races for the tests: whoever is to win, by as much as the test says, in any cell."""

from pathlib import Path

from .chart_data import ChartData
from .records import Result
from .summary import summarise

MS = 1_000_000
# name: family, rung, structure. Names that no library has, so that no text can know them.
FAMILY = {
    "rook": ("rook", "idiomatic", "sequential"),
    "owl": ("owl", "idiomatic", "thread_per_turn"),
    "owl_best": ("owl", "tuned", "thread_per_turn"),
    "wren": ("wren", "idiomatic", "workers"),
    "wren_plain": ("wren", "naive", "one_loop"),
    "crow": ("crow", "idiomatic", "workers"),
    "loon": ("loon", "reference", "workers"),
}
# In each block the machine is another one: whoever is compared must be compared within it.
WEATHER = (1.0, 1.2, 0.9, 1.1, 1.3, 0.95, 1.05, 1.15)
JITTER = (1.0, 1.004, 0.997, 1.002, 0.999, 1.003, 0.998, 1.001)


def race(scenario, agents, share, times, *, blocks=8, workers=2, waits=None, piece_ms=50,
         weather=WEATHER, **params):
    """One cell. times: model -> median in ms; a text, "≥ 800", where its bound rules it out; a
    tuple of times, one for each block; None where all its runs crashed."""
    turns = agents + 2
    params = {"agents": agents, "workers": workers, "cpu_share": share, "time_scale": 0.01,
              "seed": 1, "io": "timer"} | params
    return {"scenario": scenario, "params": params, "times": times, "blocks": blocks,
            "turns": turns, "waits": agents if waits is None else waits,
            "t1_ns": int(turns * piece_ms * MS), "weather": weather}


def result_of(races, models=None, more_samples=None):
    """A Result, as if it had been read. more_samples: (cell's number, model, block) -> fields."""
    models = models or FAMILY
    plan, samples = [], []
    for number, told in enumerate(races):
        cell_id = told["scenario"] + "/" + "/".join(
            f"{k}={v}" for k, v in told["params"].items() if v is not None)
        for place, (model, time) in enumerate(told["times"].items()):
            family, rung, structure = models[model]
            for block in range(told["blocks"]):
                row = {"exec_id": f"{number}-{model}-{block}", "cell_id": cell_id, "model": model,
                       "family": family, "rung": rung, "structure": structure, "mode": "timed",
                       "scenario": told["scenario"], "params": told["params"], "block": block,
                       "cpus": told["params"]["workers"], "lb_ns": None, "greedy_ns": None,
                       "skip_reason": None, "reason": None}
                if isinstance(time, str):
                    row |= {"skip_reason": "its bound", "lb_model_ns": int(
                        float(time.removeprefix("≥ ")) * MS)}
                plan.append(row)
                if row["skip_reason"]:
                    continue
                ns = _time(time, block, place, told["weather"])
                samples.append(row | {
                    "status": "ok" if ns else "crash", "makespan_ns": ns,
                    **{key: told[key] for key in ("turns", "waits", "t1_ns")},
                    **((more_samples or {}).get((number, model, block)) or {})})
    manifest = {"result_id": "made-up", "blocks": 8, "profile": "standard", "commit": "abc1234",
                "created_utc": "2025-01-02T03:04:05Z", "finished_utc": "2025-01-02T03:09:00Z",
                "dirty": False, "machine": {"name": "madeup", "cpus": 2}, "workload_version": 1}
    return Result(Path("made-up"), manifest, plan, samples)


def _time(time, block, place, weather):
    if time is None:
        return None
    if isinstance(time, tuple):
        return int(time[block] * MS)
    return int(time * MS * weather[block % len(weather)] * JITTER[(block + place) % len(JITTER)])


def summary_of(races, models=None, more_samples=None):
    return summarise(result_of(races, models, more_samples))


def data_of(races, models=None):
    result = result_of(races, models)
    return ChartData(result, summarise(result))


def map_of(times, shares=(0.001, 0.01, 0.1, 0.5), agents=(1, 10, 100, 1000), models=None, **more):
    """The races of a map. times: function of (share, agents) to the times of a race, or None where
    nothing is measured; `None` as the share stands for `compute`."""
    races = []
    for share in [*shares, None]:
        for count in agents:
            found = times(share, count)
            if found is None:
                continue
            races.append(race("compute", count, 0, found, waits=0, **more) if share is None else
                         race("fanout", count, share, found, **more))
    return races
