"""Do cells over TCP, in trouble and stopped stay apart from others, and is what they tell right?"""

import hashlib

import pytest

from . import outside_fixture as made
from .advice import advice
from .chart_sockets import cost_words
from .charts import draw_all
from .charts import plans
from .endpoint_use import sharing_words
from .events import events_table
from .faults import contained_words
from .markdown_tables import markdown_table
from .outside_fixture import CALL_US, EVENT_US, outside_data, outside_result
from .races_fixture import race, result_of
from .result_page import SECTIONS, page
from .sheet import COLUMN, PAGE, NothingToDraw, settings
from .stops import clean_words, offences
from .summary import summarise
from .test_charts import check_texts
from .winner_map import winner_map

FIGURES = ("sockets", "events", "healthy-turns", "stops")


@pytest.fixture(scope="module")
def everything():
    return outside_data(made.fault_cells(), made.fault_cells("tcp"),
                        made.twin_cells("fanout", 1000, 1.02), made.stream_cells(),
                        made.call_cells(), made.stop_cells(), made.limit_cells())


def drawn(data, name, width=PAGE):
    with settings():
        return dict(plans(data))[name](width)


def row_of(rows, model):
    return next(row for row in rows if row["model"] == model)


# ---- what compares with what ----

def test_what_is_over_tcp_troubled_or_stopped_is_in_no_race():
    times = {"owl": 400, "wren": 500, "crow": 600}
    plain = [(race("fanout", n, 0.01, times), lambda *_: {}) for n in (16, 300)]
    data = outside_data(plain, made.twin_cells("fanout", 16), made.fault_cells()[1:],
                        made.stop_cells())
    known = {cell["cell_id"] for cell in data.summary["cells"]}
    assert {cell["params"]["io"] for cell in data.summary["cells"]} == {"timer"}
    assert {cell["scenario"] for cell in data.summary["cells"]} == {"fanout"}
    assert {t["cell_id"] for t in data.summary["winning_tiers"]} == known
    assert all(cell["cell_id"] in known for cells in data.races() for cell in cells)
    for name in ("time_spent", "cpu_cost"):
        assert {row["cell_id"] for row in data.summary[name]} <= known


def test_a_limit_that_all_share_is_no_race_either():
    summary = outside_data(made.limit_cells(), made.twin_cells("fanout", 16)).summary
    assert {cell["scenario"] for cell in summary["cells"]} == {"fanout"}
    assert [row["jain"]["median"] for row in summary["fairness"]["cells"][0]["models"]
            if row["model"] == "wren"] == [0.71]


def test_a_map_does_not_move_where_the_same_was_measured_over_tcp():
    times = {"owl": 400, "wren": 500}
    plain = [race("fanout", n, share, times) for n in (1, 100) for share in (0.01, 0.1)]
    sockets = [race("fanout", n, share, {"owl": 900, "wren": 100}, io="tcp")
               for n in (1, 100) for share in (0.01, 0.1)]
    alone, both = (summarise(result_of(races)) for races in (plain, plain + sockets))
    assert winner_map(alone) == winner_map(both)
    assert advice(alone) == advice(both)


def test_memory_over_tcp_is_no_memory_of_an_agent_that_waits():
    sizes = {"rss_before_bytes": 0, "page_tables_peak_bytes": 0, "page_tables_before_bytes": 0,
             "kernel_stacks_peak_bytes": 0, "kernel_stacks_before_bytes": 0, "threads_peak": 2}

    def parked(io, each):
        return [(race("parked", n, 0, {"owl": 400, "wren": 400}, io=io),
                 lambda *_, n=n: sizes | {"vmhwm_bytes": n * each}) for n in (1000, 2000)]

    summary = outside_data(parked("timer", 100), parked("tcp", 9000)).summary
    assert [m["bytes_per_agent"]["median"] for m in summary["memory_per_agent"]] == [100, 100]


def test_a_stopped_run_is_neither_efficient_nor_faster_than_possible():
    cells = made.stop_cells()
    for told, _ in cells:
        told["greedy"] = 1
    result = outside_result(cells)
    for sample in result.samples:
        sample["greedy_ns"] = 9 * sample["makespan_ns"]
    summary = summarise(result)
    assert not any("faster than the ideal" in reason for reason in summary["trust"]["reasons"])
    assert all(row["efficiency"] is None for cell in summary["outside_cells"]
               for row in cell["models"])


def test_a_table_of_times_tells_timers_from_tcp_and_a_stop_from_an_end():
    text = markdown_table(outside_data(made.fault_cells(), made.twin_cells(),
                                       made.stop_cells()).summary)
    rows = [line.split("|")[1].strip() for line in text.splitlines()[2:]]
    assert len(rows) == len(set(rows)), rows
    assert "**react** 256 agents, over TCP" in rows
    assert "**react** 256 agents, over TCP, stopped after 150 ms" in rows
    assert "**storm** 256 agents, ends at the first failure" in rows


def test_calls_are_waits_when_it_is_asked_what_only_computes():
    cells = [(race("chat", 64, 0, {"owl": 400, "wren": 500}, piece_ms=300),
              lambda *_: {"waits": 0, "calls": 256})]
    assert not any("Only computing" in row.situation for row in advice(outside_data(cells).summary))


# ---- numbers ----

def test_a_call_costs_the_cpu_time_that_it_adds_to_its_twin():
    (cell,) = outside_data(made.twin_cells(slower=1.5)).summary["sockets"]["cells"]
    for model in ("owl", "wren", "crow"):
        row = row_of(cell["models"], model)
        assert row["ratio"]["median"] == pytest.approx(1.5, rel=0.02)
        assert row["cpu_of_a_call_ns"]["median"] == pytest.approx(CALL_US[model] * 1000, rel=0.05)


def test_a_cost_below_nothing_is_none_and_no_number():
    assert cost_words(2_500) == "2.50 µs"
    assert cost_words(-11_400) == cost_words(0) == "none to be seen"


def test_only_runs_of_one_block_are_compared():
    data = made.outside_result(made.twin_cells(slower=1.5))
    data.samples = [s for s in data.samples if s["params"]["io"] == "timer" or s["block"] > 4]
    (cell,) = summarise(data)["sockets"]["cells"]
    assert {row["ratio"]["n"] for row in cell["models"]} == {3}


def test_an_event_costs_the_slope_between_few_tokens_and_many():
    (stream,) = outside_data(made.stream_cells((100, 150, 200))).summary["events"]["streams"]
    assert (stream["from_tokens"], stream["to_tokens"]) == (100, 200)
    for row in stream["models"]:
        assert row["cpu_ns"]["median"] == pytest.approx(EVENT_US[row["model"]] * 1000, rel=0.02)


def test_a_connection_of_its_own_costs_more_than_one_that_is_kept():
    (calls,) = outside_data(made.call_cells()).summary["events"]["calls"]
    for row in calls["models"]:
        assert 1.5 < row["more"]["median"] < 2.4
        assert row["own_ns"]["median"] > row["kept_ns"]["median"]


def test_the_median_time_of_a_stop_is_told_of_every_situation():
    cells = outside_data(made.stop_cells()).summary["stops"]["cells"]
    assert {(c["scenario"], *c["why"]) for c in cells} == {
        ("first-k", "enough"), ("react", "outside"), ("storm", "failure")}
    for cell in cells:
        assert row_of(cell["models"], "crow")["acknowledged_ns"]["median"] > \
            row_of(cell["models"], "wren")["acknowledged_ns"]["median"]


def test_who_starts_a_turn_after_a_stop_or_leaves_a_thread_is_named():
    clean, pool, dirty = (outside_data(made.stop_cells(*faults)).summary["stops"]["cells"]
                          for faults in ((0, 0), (0, 2), (2, 3)))
    assert offences(clean) == [] and clean_words(clean).endswith("descriptor was left.")
    assert offences(pool) == []
    assert "but the pools that the libraries of crow, " in clean_words(pool)
    words = clean_words(dirty)
    assert "started turns after a stop" in words and "left threads behind" in words
    assert "No turn started" not in words and "wren" in words


def test_cells_go_from_no_trouble_to_most_whatever_they_are_called():
    (group,) = outside_data(made.fault_cells()).summary["faults"]["groups"]
    assert [c["scenario"] for c in group] == ["react", "faulty", "storm"]
    assert [c["rate"] for c in group] == [0, 0.03, 0.09]
    assert "40 turns failed, 280 after them were skipped, as planned" in contained_words(group)


def test_no_delay_is_compared_where_nothing_met_trouble():
    assert outside_data(made.fault_cells()[:1]).summary["faults"] is None


def test_a_page_tells_who_shared_the_cpus():
    shared = outside_data(made.twin_cells()).summary["endpoint"]["cells"]
    assert "shared the CPUs of the models" in sharing_words(shared)
    assert "CPU of its own" in sharing_words([c | {"own_cpu": True} for c in shared])
    assert "not known" in sharing_words([c | {"own_cpu": None} for c in shared])


# ---- figures and page ----

@pytest.mark.parametrize("width", [PAGE, COLUMN])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_room_for_its_words(everything, name, width):
    drawing = drawn(everything, name, width)
    check_texts(drawing.figure)
    assert drawing.name == name and drawing.question.endswith("?")
    assert drawing.alt.endswith(".") and drawing.rows


@pytest.mark.parametrize("name", FIGURES)
def test_a_result_without_such_runs_says_why_there_is_no_figure(data, name):
    with pytest.raises(NothingToDraw) as why:
        drawn(data, name)
    assert len(str(why.value)) > 10


def test_every_model_of_a_figure_is_in_its_words_and_its_data(everything):
    for name in FIGURES:
        drawing = drawn(everything, name)
        models = {row["model"] for row in drawing.rows}
        assert {"owl", "wren", "crow", "loon"} <= models
        assert all(model in drawing.alt for model in models), name


def test_other_data_gives_another_picture(everything):
    other = outside_data(made.twin_cells("fanout", 1000, 2.5))
    assert "owl 2.50×" in drawn(other, "sockets").alt
    assert "owl 1.02×" in drawn(everything, "sockets").alt


def test_identical_data_gives_identical_bytes(everything, tmp_path):
    hashes = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        draw_all(everything.result, everything.summary, folder, only=FIGURES)
        hashes.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                       for p in folder.iterdir()})
    assert len(hashes[0]) == 7 * len(FIGURES) and hashes[0] == hashes[1]


def test_timers_are_hollow_and_tcp_is_filled(everything):
    faces = {line.get_markerfacecolor() == "white" for ax in drawn(everything, "stops").axes
             for line in ax.lines if line.get_marker() not in (".", "None", None, "")}
    assert faces == {True, False}
    only = outside_data([cell for cell in made.stop_cells() if cell[0]["params"]["io"] == "timer"])
    drawing = drawn(only, "stops")
    assert "Hollow: waits were timers." in drawing.reading


def test_the_page_holds_a_table_of_each(everything):
    text = page(everything.result.manifest, everything.summary, [], [])
    for heading in ("What sockets cost", "What the mock LLM took", "What calls and streamed events "
                    "cost", "What a stop takes and leaves", "What faults do to other turns",
                    "Who gets a turn under a limit"):
        assert f"### {heading}\n" in text
    assert "| `wren` | 0.710 [0.710] |" in text
    assert "A run that was stopped proved what it finished" in text
    for line in text.splitlines():
        assert "None" not in line and "nan" not in line, line


def test_a_result_of_before_has_none_of_these_tables(data):
    for figure, section in SECTIONS:
        if figure in FIGURES:
            assert section(data.summary) == "", section
    assert "A run that was stopped" not in page({}, data.summary, [], [])


def test_a_table_has_a_dash_for_what_is_not_known():
    result = outside_result(made.call_cells())
    for sample in result.samples:
        sample["cpu_user_ns"] = None if sample["model"] == "owl" and \
            sample["scenario"] == "connect" else sample["cpu_user_ns"]
    (row,) = [line for line in events_table(summarise(result)).splitlines() if "`owl`" in line]
    assert row.split("|")[3].strip() == "–" and row.split("|")[2].strip() != "–"
