"""Which figures does a result get? Draws them all, at both widths, in every format."""

import gc

from . import (chart_bars, chart_efficiency, chart_ladder, chart_makespan, chart_memory,
               chart_reference, chart_timeline)
from .chart_cpu import what_does_it_cost_in_cpu_time
from .chart_data import ChartData
from .chart_events import what_does_a_streamed_event_cost
from .chart_faults import what_does_a_fault_storm_do_to_healthy_turns
from .chart_forest import who_wins_and_is_it_real
from .chart_grain import how_small_may_the_work_be
from .chart_first_results import how_soon_is_there_a_first_result
from .chart_latency import how_long_does_a_turn_take
from .chart_map import where_does_the_winner_change
from .chart_messages import how_many_messages_a_second
from .chart_open_loop import what_rate_can_it_keep_up_with
from .chart_responsiveness import does_everything_else_stay_responsive
from .chart_sockets import what_do_real_sockets_cost
from .chart_stops import how_soon_does_a_stop_take_effect
from .chart_time import where_did_the_time_go
from .chart_trust import can_i_trust_this_run
from .sheet import COLUMN, KINDS, PAGE, NothingToDraw, save, save_rows, settings

WIDTHS = ((PAGE, ""), (COLUMN, "-column"))
FIGURES = [
    ("makespan-over-agents", chart_makespan.who_finishes_first_as_agents_grow),
    ("who-wins", who_wins_and_is_it_real),
    ("winner-map", where_does_the_winner_change),
    ("responsiveness", does_everything_else_stay_responsive),
    ("waiting-or-computing", chart_bars.waiting_or_computing),
    ("ladder", chart_ladder.how_much_does_the_use_of_a_library_matter),
    ("porting-from-the-reference", chart_reference.what_would_porting_buy),
    ("timeline", None),  # one per traced cell, see `plans`
    ("efficiency-over-agents", chart_efficiency.how_far_from_possible),
    ("time-spent", where_did_the_time_go),
    ("cpu-cost", what_does_it_cost_in_cpu_time),
    ("makespan-over-workers", chart_makespan.what_does_one_more_worker_buy),
    ("first-result", how_soon_is_there_a_first_result),
    ("turn-latency", how_long_does_a_turn_take),
    ("open-loop", what_rate_can_it_keep_up_with),
    ("messages", how_many_messages_a_second),
    ("memory-of-parked", chart_memory.what_does_an_agent_cost),
    ("efficiency-over-grain", how_small_may_the_work_be),
    ("sockets", what_do_real_sockets_cost),
    ("events", what_does_a_streamed_event_cost),
    ("healthy-turns", what_does_a_fault_storm_do_to_healthy_turns),
    ("stops", how_soon_does_a_stop_take_effect),
    ("trust", can_i_trust_this_run),
]


def plans(data):
    """(name, function of the width) for each figure that may be drawn."""
    for name, draw in FIGURES:
        if draw:
            yield name, lambda width, draw=draw: draw(data, width)
            continue
        try:
            cells = chart_timeline.traced_cells(data)
        except NothingToDraw as why:
            yield name, _left_out(why)
            continue
        for cell_id, samples in cells:
            yield name, lambda width, c=cell_id, s=samples: (
                chart_timeline.how_does_each_model_run(data, width, c, s))


def _left_out(why):
    def draw(_width):
        raise why
    return draw


def draw_all(result, summary, folder, only=None, widths=None, kinds=tuple(KINDS)):
    """Writes every figure into `folder`. Returns what was drawn, and what was not and why."""
    data = ChartData(result, summary)
    folder.mkdir(parents=True, exist_ok=True)
    gc.freeze()  # a figure leaves much to collect, and a large result is not to be searched for it
    try:
        return _draw(data, folder, only, widths or WIDTHS, kinds)
    finally:
        gc.unfreeze()


def _draw(data, folder, only, widths, kinds):
    drawn, left_out = [], []
    for name, draw in plans(data):
        if only and name not in only:
            continue
        files, first = [], None  # pages show the first width, and say what is on that one
        try:
            for width, suffix in widths:
                with settings():
                    drawing = draw(width)
                while drawing.name in {d["name"] for d in drawn}:
                    drawing.name += "-again"  # two traced cells that differ in little
                files += save(drawing, folder, drawing.name + suffix, kinds)
                first = first or drawing
        except NothingToDraw as why:
            left_out.append({"name": name, "why": str(why)})
            continue
        files.append(save_rows(first, folder))
        drawn.append({"name": first.name, "question": first.question, "alt": first.alt,
                      "reading": first.reading, "note": first.note, "files": files})
    return drawn, left_out
