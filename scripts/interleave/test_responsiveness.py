"""Do heartbeats tell who is late, in numbers, in words and in a picture, whoever that is?"""

import hashlib
import json

import pytest

from interleave import fixtures
from interleave.chart_data import MOST_LINES, ChartData
from interleave.chart_responsiveness import does_everything_else_stay_responsive as draw
from interleave.chart_responsiveness import lines
from interleave.charts import draw_all
from interleave.records import read_result
from interleave.responsiveness import responsiveness_table, share_words
from interleave.responsiveness_fixture import MS, bucket, write_result
from interleave.sheet import COLUMN, PAGE, NothingToDraw, settings
from interleave.summary import summarise
from interleave.test_charts import check_texts

NAME = "responsiveness"


def data_of(path):
    result = read_result(path)
    return ChartData(result, summarise(result))


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    return data_of(write_result(tmp_path_factory.mktemp("six")))


@pytest.fixture(scope="module")
def all_models(tmp_path_factory):
    return data_of(write_result(tmp_path_factory.mktemp("all"), models=fixtures.EVERY))


@pytest.fixture(scope="module", params=[(which, width) for which in ("six", "all_models")
                                        for width in (PAGE, COLUMN)], ids=str)
def drawing(request):
    which, width = request.param
    with settings():
        return draw(request.getfixturevalue(which), width)


def fixed(tmp_path, lags, blocks=6, **more):
    """A result in which a model's lags are the same list in each run; others' are 1 ms."""
    def lags_of(_dice, family, rung, structure, stall_ms, beats):
        return lags.get(family, [1 * MS] * 1000)
    return data_of(write_result(tmp_path, lags_of=lags_of, blocks=blocks, **more))


def row(data, model, cell=0):
    rows = data.summary["responsiveness"]["cells"][cell]["models"]
    return next(r for r in rows if r["model"] == model)


def test_fixed_lags_give_fixed_numbers(tmp_path):
    late = [1 * MS] * 900 + [20 * MS] * 80 + [150 * MS] * 20
    asio = row(fixed(tmp_path, {"asio": late}), "asio")
    assert (asio["samples"], asio["beats"]) == (6, 6000)
    assert (asio["over_10ms"], asio["over_100ms"]) == (600, 120)
    assert (asio["share_over_10ms"], asio["share_over_100ms"]) == (0.1, 0.02)
    assert asio["p50_ns"] == asio["p90_ns"] == bucket(1 * MS)
    assert asio["p99_ns"] == asio["max_ns"] == 150 * MS  # no bucket's border exceeds the longest
    assert asio["p999_ns"] is None  # 6,000 heartbeats are not enough
    assert asio["of_a_run"]["max_ns"] == {"n": 6, "median": 150 * MS, "low": 150 * MS,
                                          "high": 150 * MS, "coverage": 0.9688}


def test_percentiles_come_from_all_runs_together_and_their_spread_from_each(tmp_path):
    runs = iter([[100 * MS] * 1000] + [[1 * MS] * 1000] * 5)  # one run of six was held up

    def lags_of(_dice, family, rung, structure, stall_ms, beats):
        return next(runs) if family == "asio" else [1 * MS] * 1000
    data = data_of(write_result(tmp_path, lags_of=lags_of, scenarios={"cpu-heavy": 50}))
    asio = row(data, "asio")
    assert asio["p50_ns"] == bucket(1 * MS)
    assert asio["p90_ns"] == asio["p99_ns"] == 100 * MS  # an average would be 17.5 ms
    assert asio["share_over_10ms"] == pytest.approx(1 / 6, abs=1e-5)
    own = asio["of_a_run"]["share_over_10ms"]
    assert (own["low"], own["median"], own["high"]) == (0, 0, 1)


def test_few_heartbeats_have_no_high_percentile(tmp_path):
    data = fixed(tmp_path, {"asio": [1 * MS] * 50}, blocks=1)
    asio = row(data, "asio")
    assert asio["p50_ns"] and asio["p90_ns"] is None and asio["p99_ns"] is None
    text = responsiveness_table(data.summary)
    assert next(line for line in text.splitlines() if "`asio`" in line).split(" | ")[3] == "–"


def test_of_a_run_whose_proof_failed_no_heartbeat_counts(tmp_path):
    path = write_result(tmp_path, scenarios={"cpu-heavy": 50})
    before = row(data_of(path), "asio")["beats"]
    rows = [json.loads(line) for line in (path / "samples.jsonl").read_text().splitlines()]
    beating = [r for r in rows if r.get("heartbeat") and r["model"] == "asio"]
    beating[0]["status"] = "invalid"
    (path / "samples.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert row(data_of(path), "asio")["beats"] == before - beating[0]["heartbeat"]["n"]


def first_of(data):
    lines = responsiveness_table(data.summary).splitlines()
    return [line.split("`")[1] for line in lines if line.startswith("| `")][0]


def test_the_table_has_the_best_first_whoever_it_is(tmp_path):
    good, bad = [MS // 10] * 1000, [MS // 10] * 900 + [60 * MS] * 100
    one = fixed(tmp_path / "one", {"asio": good, "tbb": bad})
    other = fixed(tmp_path / "other", {"asio": bad, "tbb": good})
    assert (first_of(one), first_of(other)) == ("asio", "tbb")
    text = responsiveness_table(one.summary)
    assert "| `tbb` | idiomatic | 100 µs | 60.0 ms | 60.0 ms [60.0 ms] | 10 % [10 %] | none |" \
        in text
    assert "due each 1 ms" in text and "**cpu-heavy** 64 agents, 2 workers" in text


@pytest.mark.parametrize("share, words", [(0, "none"), (0.0004, "< 0.1 %"), (0.013, "1.3 %"),
                                          (0.5, "50 %"), (None, "–")])
def test_a_small_share_is_not_none(share, words):
    assert share_words(share) == words


def test_without_heartbeats_there_is_no_section_no_table_and_no_figure(data):
    assert data.summary["responsiveness"] is None
    assert responsiveness_table(data.summary) == ""
    assert responsiveness_table({"models": []}) == ""
    with pytest.raises(NothingToDraw, match="nothing was measured with heartbeats"):
        draw(data, PAGE)


def test_a_figure_needs_more_heartbeats_than_a_median_does(tmp_path):
    few = [1 * MS] * 10
    data = fixed(tmp_path, dict.fromkeys(fixtures.MODELS, few), blocks=1)
    with pytest.raises(NothingToDraw, match="too few heartbeats"):
        draw(data, PAGE)


def test_a_cell_with_heartbeats_enters_no_other_figure(six):
    drawn = {c["cell_id"] for c in six.summary["cells"]}
    assert all(c["cell_id"] not in drawn for c in six.summary["instrumented_cells"])
    assert len(six.summary["instrumented_cells"]) == 2


def test_each_scenario_has_a_panel_and_each_line_ends_where_its_heartbeats_do(six):
    with settings():
        rows = draw(six, PAGE).rows
    assert {r["panel"] for r in rows} == {"blocking-tool", "cpu-heavy"}
    lines = {(r["panel"], r["model"]) for r in rows if r["kind"] == "late"}
    assert len(lines) == 2 * len(fixtures.MODELS)
    for panel, model in lines:
        own = [r for r in rows if (r["panel"], r["model"]) == (panel, model)]
        assert own[0]["x"] == 50 and 99.8 < own[-1]["x"] < 99.9 and own[0]["n"] == 6600
        assert [r["y"] for r in own] == sorted(r["y"] for r in own)
        assert own[0]["y"] == row(six, model, panel == "cpu-heavy")["p50_ns"]


def test_both_thresholds_lie_within_every_panel_and_are_put_in_words(drawing):
    assert "10 ms late or more; above 100 ms a person notices" in drawing.reading
    for ax in drawing.axes:
        low, high = ax.get_ylim()
        assert low < 10 * MS and 100 * MS < high
        assert "a person notices" in [t.get_text() for t in ax.texts]


def test_the_words_of_a_threshold_stand_above_it_and_no_line_crosses_them(drawing):
    for ax in drawing.axes:
        drawing.figure.canvas.draw()
        points = [p for line in ax.lines for p in ax.transData.transform(_dense(line))]
        named = [t for t in ax.texts if t.get_text() in ("a person notices", "10 beats late")]
        for text in named:
            box = text.get_window_extent()
            level = 100 * MS if "person" in text.get_text() else 10 * MS
            assert box.y0 > ax.transData.transform((1, level))[1]
            assert not any(box.x0 < x < box.x1 and box.y0 < y < box.y1 for x, y in points)


def _dense(line):
    """Points along a line that is drawn in steps; of the thresholds' own lines none."""
    xs, ys = line.get_xdata(), line.get_ydata()
    if line.get_drawstyle() != "steps-pre":
        return [(0, 1)]
    return [point for x0, x1, y0, y1 in zip(xs, xs[1:], ys, ys[1:])
            for i in range(21) for point in ((x0, y0 + (y1 - y0) * i / 20),
                                             (x0 + (x1 - x0) * i / 20, y1))]


def test_every_line_lies_within_its_panel(drawing):
    for ax in drawing.axes:
        low, high = ax.get_ylim()
        ys = [y for line in ax.lines for y in line.get_ydata()]
        assert low <= min(ys) and max(ys) <= high


def test_no_text_lies_on_another_or_leaves_the_figure(drawing):
    check_texts(drawing)


def test_with_many_models_a_librarys_ends_are_drawn_where_they_are_far_apart(all_models):
    with settings():
        drawing = draw(all_models, PAGE)
    shown = {r["model"] for r in drawing.rows} - {""}
    assert len(shown) == MOST_LINES
    assert {"asio_single", "asio_tuned", "libuv_inline", "libuv_tuned", "sequential"} <= shown
    assert "10 of 21 models" in drawing.reading and "The table has all" in drawing.reading


def test_which_models_are_drawn_follows_from_the_data(tmp_path):
    def lags_of(dice, family, rung, structure, stall_ms, beats):
        late = 60 * MS if (family, rung) == ("asio", "tuned") else 1 * MS
        return [late] * 1000
    data = data_of(write_result(tmp_path, models=fixtures.EVERY, lags_of=lags_of))
    shown = lines(data, data.summary["instrumented_cells"], list(data.about))
    asio = [m for m in shown if data.about[m]["family"] == "asio"]
    assert len(asio) == 2 and "asio_tuned" in asio
    assert len({data.about[m]["family"] for m in shown}) == MOST_LINES - 1


def test_a_scenario_of_which_no_chosen_model_has_heartbeats_has_no_panel(tmp_path):
    path = write_result(tmp_path, models=fixtures.EVERY)
    rows = [json.loads(line) for line in (path / "samples.jsonl").read_text().splitlines()]
    for r in rows:
        if r["scenario"] == "blocking-tool" and r["model"] != "fiber":
            r["heartbeat"] = None
    (path / "samples.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    with settings():
        drawing = draw(data_of(path), PAGE)
    assert {r["panel"] for r in drawing.rows} == {"cpu-heavy"} and len(drawing.axes) == 1


def test_other_data_gives_another_picture_and_other_words(six, tmp_path):
    other = fixed(tmp_path, {"sequential": [MS // 100] * 1000})
    with settings():
        before, after = draw(six, PAGE), draw(other, PAGE)
    assert before.rows != after.rows and before.alt != after.alt
    assert "cpu-heavy, all but 1 in 100 within: sequential 10.0 µs" in after.alt


def test_another_period_is_told(tmp_path):
    path = write_result(tmp_path, lags_of=lambda *_: [1 * MS] * 1000)
    for name in ("plan.jsonl", "samples.jsonl"):
        text = (path / name).read_text()
        (path / name).write_text(text.replace("heartbeat_us=1000", "heartbeat_us=500")
                                 .replace('"heartbeat_us": 1000', '"heartbeat_us": 500'))
    with settings():
        drawing = draw(data_of(path), PAGE)
    assert "due every 500 µs" in drawing.reading
    texts = {t.get_text() for ax in drawing.axes for t in ax.texts}
    assert "20 beats late" in texts and "10 beats late" not in texts


def test_identical_data_gives_identical_bytes(six, tmp_path):
    hashes = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        draw_all(six.result, six.summary, folder, only=(NAME,))
        hashes.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                       for p in folder.iterdir()})
    assert len(hashes[0]) == 7 and hashes[0] == hashes[1]


def test_an_axis_says_what_share_came_in_time_and_how_many_came_later(six):
    with settings():
        ax = draw(six, PAGE).axes[0]
    assert ax.get_xlabel() == "share of heartbeats that were at most this late"
    ticks = [t.get_text() for t in ax.get_xticklabels()]
    assert ticks[0] == "50 %\nhalf" and "99 %\n1 in 100 later" in ticks


def test_the_table_says_in_which_models_heartbeats_hold_a_worker(six, all_models):
    words = "so do heartbeats: where they are in time, the agents have a worker less"
    assert words not in responsiveness_table(six.summary)
    text = responsiveness_table(all_models.summary)
    assert words in text
    for said in all_models.summary["models"]:
        if said["structure"] == "blocking_workers":
            assert f"`{said['model']}`" in text.split(words)[0]
