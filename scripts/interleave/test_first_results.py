"""Are the first, middle and last result where the runs had them, and is disorder put in words?"""

import copy

import pytest

from interleave import fixtures
from interleave.arrivals_fixture import MS, made_up, results, swapped
from interleave.chart_data import ChartData
from interleave.chart_first_results import how_soon_is_there_a_first_result as draw
from interleave.first_results import first_results, first_results_table, order_words
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.style import IDEAL
from interleave.summary import as_json, summarise
from interleave.test_charts import check_texts


@pytest.fixture(scope="module")
def result():
    return made_up()


@pytest.fixture(scope="module")
def summary(result):
    return summarise(result)


def drawn(result, width=PAGE):
    with settings():
        return draw(ChartData(result, summarise(result)), width)


def of(summary, model):
    [cell] = summary["first_results"]["cells"]
    return next(r for r in cell["models"] if r["model"] == model)


def fixed(first_ms, disorder=0.02, blocks=6):
    """A result in which `asio` has three results each run; block b is b ms later."""
    made = made_up({"asio": fixtures.MODELS["asio"]}, blocks=blocks)
    made.samples = [s for s in made.samples if s["scenario"] == "as-completed"]
    for s in made.samples:
        at = [(first_ms + s["block"] + more) * MS for more in (0, 50, 200)]
        s["results"] = results(at, [0] * 3, ideal_first_ns=4 * MS, out_of_order=disorder)
    return made


def test_each_moment_is_the_median_over_the_runs_with_its_interval():
    row = of(summarise(fixed(10)), "asio")
    first = {"n": 6, "median": 12.5 * MS, "low": 10 * MS, "high": 15 * MS, "coverage": 0.9688}
    assert row["first_ns"] == first
    assert row["middle_ns"]["median"] == 62.5 * MS and row["last_ns"]["median"] == 212.5 * MS
    assert row["ideal_first_ns"]["median"] == 4 * MS
    assert row["out_of_order"]["median"] == 0.02


def test_other_data_gives_another_section():
    assert of(summarise(fixed(30)), "asio")["first_ns"]["median"] == 32.5 * MS


def test_one_by_one_costs_the_first_result_and_the_order(summary):
    alone, together = of(summary, "sequential"), of(summary, "asio")
    assert alone["first_ns"]["median"] > 5 * together["first_ns"]["median"]
    assert alone["out_of_order"]["median"] > 0.4 > 0.05 > together["out_of_order"]["median"]


@pytest.mark.parametrize("share, words", [
    (0.0, "in ideal order"), (0.0004, "in ideal order"), (0.012, "1.2 % of pairs swapped"),
    (0.5, "50 % of pairs swapped: no order")])
def test_disorder_in_words(share, words):
    assert order_words(of(summarise(fixed(10, disorder=share)), "asio")) == words


def test_what_is_not_known_is_not_said_to_be_in_order():
    made = fixed(10, disorder=None)
    assert order_words(of(summarise(made), "asio")) == "order not known"
    assert "| – |" in first_results_table(summarise(made))


def test_a_first_result_at_once_has_a_row():
    made = fixed(10)
    for sample in made.samples:
        sample["results"]["first_ns"] = 0
    assert "| `asio` | 0 ns" in first_results_table(summarise(made))


def test_sessions_that_arrive_are_no_results_of_this_kind(result):
    assert {c["params"]["agents"] for c in summarise(result)["first_results"]["cells"]} == {64}


def test_runs_with_heartbeats_are_left_out():
    made = fixed(10)
    for s in made.samples:
        s["params"]["heartbeat_us"] = 1000
    assert summarise(made)["first_results"] is None


def test_a_result_without_them_has_no_section_and_no_figure(every):
    assert first_results(every.result, every.summary["cells"]) is None
    assert first_results_table(every.summary) == ""
    with pytest.raises(NothingToDraw, match="as-completed"):
        draw(every, PAGE)


@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_every_mark_stands_where_the_number_says(width, result, summary):
    drawing = drawn(result, width)
    [ax] = drawing.axes
    heights = {tick.get_text().split(" ")[0]: y for y, tick in enumerate(ax.get_yticklabels())}
    assert list(heights) == [m["model"] for m in summary["models"]]
    low, high = ax.get_xlim()
    for model, y in heights.items():
        row = of(summary, model)
        marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() not in (".", "None")
                 and list(line.get_ydata()) == [y]]
        assert sorted(marks) == [row[k]["median"] for k in ("first_ns", "middle_ns", "last_ns")]
        assert low < marks[-1] < high
        plotted = {r["kind"]: r["x"] for r in drawing.rows if r["model"] == model}
        assert plotted["first"] == row["first_ns"]["median"]
        assert plotted["share of pairs swapped"] == row["out_of_order"]["median"]
    [ideal] = [line for line in ax.lines if line.get_color() == IDEAL["color"]]
    assert ideal.get_xdata()[0] == min(r["x"] for r in drawing.rows if r["kind"] == "ideal first")


def test_the_cell_is_that_with_most_models_then_with_most_agents():
    made = made_up({m: fixtures.MODELS[m] for m in ("asio", "sequential")}, blocks=1)
    for s in [s for s in made.samples if s["scenario"] == "as-completed"]:
        for agents, models in ((8, ("asio", "sequential")), (1000, ("asio",))):
            if s["model"] in models:
                more = copy.deepcopy(s)
                more["params"]["agents"] = agents
                more["exec_id"] += f"-{agents}"
                more["cell_id"] += f"-{agents}"
                made.samples.append(more)
    assert "64 agents" in [t.get_text() for t in drawn(made).axes[0].texts][-1]


@pytest.mark.parametrize("models", [fixtures.MODELS, fixtures.EVERY], ids=["six", "all"])
@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_no_text_lies_on_another_or_leaves_the_figure(models, width):
    check_texts(drawn(made_up(models), width))


def test_runs_that_all_took_the_same_are_drawn():
    made = fixed(10, blocks=1)
    for s in made.samples:
        s["results"] = results([5 * MS] * 3, [0] * 3)
    assert {r["kind"] for r in drawn(made).rows} == {"raw first", "first", "middle", "last"}


def test_the_order_of_the_samples_changes_no_byte(result, summary):
    other = copy.deepcopy(result)
    other.samples.reverse()
    assert as_json(summarise(other)) == as_json(summary)
    assert drawn(other).rows == drawn(result).rows


def test_the_table_has_each_model_and_the_ideal(summary):
    text = first_results_table(summary)
    assert "| 64 agents, 2 workers | first | middle | last | pairs swapped |" in text
    for model in fixtures.MODELS:
        assert text.count(f"| `{model}` |") == 1
    assert "*ideal schedule*" in text


def test_the_fixture_counts_swapped_pairs():
    assert swapped([1, 2, 3], [1, 2, 3]) == 0
    assert swapped([1, 2, 3], [3, 2, 1]) == 1
    assert swapped([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)
