"""Are messages a second counted rightly, and is a wrong count said aloud?"""

import copy

import pytest

from interleave import fixtures
from interleave.arrivals_fixture import made_up
from interleave.chart_data import ChartData
from interleave.chart_messages import how_many_messages_a_second as draw
from interleave.chart_messages import tick_words
from interleave.messages import messages_of_cascade, messages_table, rate_words
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import as_json, summarise
from interleave.test_charts import check_texts

OF_24 = 13_272  # 24 * (1 + 23 + 529)


@pytest.fixture(scope="module")
def result():
    return made_up()


@pytest.fixture(scope="module")
def summary(result):
    return summarise(result)


def drawn(result, width=PAGE):
    with settings():
        return draw(ChartData(result, summarise(result)), width)


def of(summary, model, workers, scenario="cascade"):
    [cell] = [c for c in summary["messages_per_second"]["cells"]
              if (c["scenario"], c["params"]["workers"]) == (scenario, workers)]
    return next(r for r in cell["models"] if r["model"] == model)


def test_messages_are_counted_in_closed_form():
    assert [messages_of_cascade(n) for n in (1, 2, 3, 24)] == [1, 6, 21, OF_24]

    def sent(n, to_all_but, depth):  # one to each, each sends to all others
        return 1 if depth == 0 else 1 + sum(sent(n, other, depth - 1)
                                            for other in range(n) if other != to_all_but)

    for n in (1, 2, 3, 5):
        assert messages_of_cascade(n) == sum(sent(n, agent, 2) for agent in range(n))


def test_messages_a_second_are_turns_over_the_time_of_each_run():
    made = made_up({"asio": fixtures.MODELS["asio"]})
    for s in made.samples:
        if s["scenario"] == "cascade":
            s["makespan_ns"] = (10 + s["block"]) * OF_24 * 100
    row = of(summarise(made), "asio", 2)
    assert row["per_s"]["median"] == pytest.approx((1e6 / 1.2 + 1e6 / 1.3) / 2, rel=1e-5)
    assert row["per_s"]["low"] == pytest.approx(1e6 / 1.5, rel=1e-5)
    assert row["per_s"]["high"] == pytest.approx(1e6, rel=1e-5)
    assert row["cost_ns"] == {"n": 6, "median": 1250, "low": 1000, "high": 1500, "coverage": 0.9688}
    assert row["messages"] == [OF_24]


def test_each_number_of_workers_has_its_own_row(summary):
    assert of(summary, "libuv", 1)["per_s"]["median"] > 1.5 * of(
        summary, "libuv", 2)["per_s"]["median"]
    assert of(summary, "tbb", 1, "empty")["messages"] == [10_002]


def test_a_wrong_count_is_said_in_the_figure_and_on_the_page(result):
    assert summarise(result)["messages_per_second"]["warnings"] == []
    made = copy.deepcopy(result)
    victim = next(s for s in made.samples if (s["scenario"], s["model"]) == ("cascade", "tbb"))
    victim["turns"] -= 1
    words = "tbb counted 13,271 messages among 24 agents, where 13,272 are due"
    assert summarise(made)["messages_per_second"]["warnings"] == [words]
    assert f"WARNING: {words}." in drawn(made).reading
    assert "WARNING" not in drawn(result).reading
    assert f"**{words[0].upper()}{words[1:]}.**" in messages_table(summarise(made))


def test_a_result_without_a_cascade_has_no_table_and_no_figure(every):
    assert {c["scenario"] for c in every.summary["messages_per_second"]["cells"]} == {"empty"}
    assert messages_table(every.summary) == ""
    with pytest.raises(NothingToDraw, match="cascade"):
        draw(every, PAGE)
    old = ChartData(every.result, {k: v for k, v in every.summary.items()
                                   if k != "messages_per_second"})
    with pytest.raises(NothingToDraw):
        draw(old, PAGE)


def test_what_was_odd_about_the_files_is_still_in_the_summary(result):
    made = copy.deepcopy(result)
    made.messages = ["a line was damaged"]
    assert summarise(made)["messages"] == ["a line was damaged"]


@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_both_numbers_of_workers_stand_where_the_numbers_say(width, result, summary):
    drawing = drawn(result, width)
    [ax] = drawing.axes
    assert ax.get_xscale() == "log"
    heights = {tick.get_text().split(" ")[0]: y for y, tick in enumerate(ax.get_yticklabels())}
    assert list(heights) == [m["model"] for m in summary["models"]]
    for model, y in heights.items():
        marks = {line.get_markersize(): line.get_xdata()[0] for line in ax.lines
                 if line.get_marker() not in (".", "None") and list(line.get_ydata()) == [y]}
        large, small = max(marks), min(marks)
        assert marks[large] == of(summary, model, 2)["per_s"]["median"]
        assert marks[small] == of(summary, model, 1)["per_s"]["median"]
        assert ax.get_xlim()[0] < marks[small] < ax.get_xlim()[1]
        plotted = {(r["panel"], r["kind"]): r["y"] for r in drawing.rows if r["model"] == model}
        assert plotted["2 workers", "messages a second"] == marks[large]
        assert plotted["1 worker", "ns a message"] == of(summary, model, 1)["cost_ns"]["median"]
    assert "Large: 2 workers" in drawing.reading and "Pale: 1 worker" in drawing.reading


def test_models_close_together_have_a_linear_axis_from_nothing():
    drawing = drawn(made_up({m: fixtures.MODELS[m] for m in ("asio", "libuv", "tbb")}))
    [ax] = drawing.axes
    assert ax.get_xscale() == "linear" and ax.get_xlim()[0] == 0
    assert "log" not in ax.get_xlabel()


def test_one_number_of_workers_is_enough():
    made = made_up(blocks=1)
    made.samples = [s for s in made.samples if s["params"]["workers"] == 2]
    drawing = drawn(made)
    assert "With 2 workers: median" in drawing.reading and "Pale" not in drawing.reading


def test_dearer_messages_move_the_mark(result, summary):
    dearer = summarise(made_up(cost={"asio": 2.0}))
    assert of(dearer, "asio", 2)["per_s"]["median"] == pytest.approx(
        of(summary, "asio", 2)["per_s"]["median"] / 2, rel=1e-3)
    assert of(dearer, "tbb", 2) == of(summary, "tbb", 2)


@pytest.mark.parametrize("models", [fixtures.MODELS, fixtures.EVERY], ids=["six", "all"])
@pytest.mark.parametrize("width", [PAGE, COLUMN])
def test_no_text_lies_on_another_or_leaves_the_figure(models, width):
    check_texts(drawn(made_up(models), width))


@pytest.mark.parametrize("per_s, words", [
    (9_994_000, "9.99 million"), (999_700, "1.00 million"), (123_456, "123,000"), (123.4, "123"),
    (12.34, "12.3"), (51_249, "51,200")])
def test_rates_have_three_digits(per_s, words):
    assert rate_words(per_s) == words


def test_ticks_are_round_numbers_in_words():
    assert [tick_words(x) for x in (0, 300, 10_000, 1_000_000, 30_000_000)] == [
        "0", "300", "10,000", "1 million", "30 million"]


def test_the_order_of_the_samples_changes_no_byte(result, summary):
    other = copy.deepcopy(result)
    other.samples.reverse()
    assert as_json(summarise(other)) == as_json(summary)
    assert drawn(other).rows == drawn(result).rows


def test_the_table_has_a_row_for_each_model_and_a_column_for_each_cell(summary):
    text = messages_table(summary)
    assert ("| model | **empty** 10,000 agents, 1 worker | **cascade** 24 agents, 1 worker | "
            "**cascade** 24 agents, 2 workers |") in text
    for model in fixtures.MODELS:
        assert text.count(f"| `{model}` |") == 1
