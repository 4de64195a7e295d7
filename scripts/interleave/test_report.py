"""Is the page of a result whole, safe, small and the same each time? Without a browser."""

import base64
import copy
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from interleave import charts, cli, fixtures, report, result_page
from interleave.records import read_result
from interleave.report_fixture import drawn_page
from interleave.report_markup import markdown
from interleave.report_svg import Looks, inline_svg
from interleave.summary import summarise
from interleave.summary_csv import as_csv

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
VOID = {"meta", "link", "img", "br", "path", "use"}
SVG = ('<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
       'viewBox="0 0 9 9" width="9pt">{}</svg>')


class Seen(HTMLParser):
    """All tags of a page with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.inside = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = [tag]

    def handle_data(self, data):
        if self.inside not in (["script"], ["style"]):
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def values(self, key):
        return [attributes[key] for _, attributes in self.tags if attributes.get(key)]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def bare(summary, manifest, missing=""):
    """The page without any figure."""
    return report.page(manifest, summary, [], ([], missing), {})


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    return drawn_page(data.result, data.summary, tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def html(made):
    return made[0]


@pytest.fixture(scope="module")
def seen(html):
    return Seen(html)


def test_the_page_begins_with_the_verdict_then_the_answer_then_the_figures(html):
    places = [html.index(f'id="{name}"') for name in (
        "trust", "answer", "tiers", "figures", "tables", "missing", "method", "environment", "data",
        "cite")]
    assert places == sorted(places)


def test_nothing_on_the_page_is_loaded_from_anywhere(seen):
    loading = {"link", "img", "iframe", "object", "embed", "base"}
    assert not [tag for tag, _ in seen.tags if tag in loading]
    assert not seen.values("src") and not seen.values("style")
    for target in seen.values("href"):
        assert re.match(r"#|data:text/csv|[\w./-]+$", target), target
    policy = next(m["content"] for m in seen.all("meta")
                  if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy


def test_the_policy_allows_the_one_style_and_the_one_script_by_their_hashes(html):
    for tag in ("style", "script"):
        contents = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.S)
        assert len(contents) == 1
        digest = base64.b64encode(hashlib.sha256(contents[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html


def test_ids_are_there_once_and_each_reference_leads_somewhere(html, seen):
    ids = seen.values("id")
    assert len(ids) == len(set(ids))
    wanted = [t[1:] for t in seen.values("href") if t.startswith("#")]
    wanted += [i for key in ("aria-labelledby", "for", "data-copy") for i in seen.values(key)]
    wanted += re.findall(r"url\(#([^)]+)\)", html)
    assert wanted and set(wanted) <= set(ids)


def test_each_figure_is_there_once_with_its_words_and_its_files(made, seen):
    _, drawn = made
    assert len(drawn) > 5
    assert [f["id"] for f in seen.all("figure")] == [f"figure-{d['name']}" for d in drawn]
    told = [d.get("aria-label") for d in seen.all("div") if d.get("role") == "img"]
    assert told == [d["alt"] for d in drawn]
    for d in drawn:
        assert {f"figures/{d['name']}.{kind}" for kind in ("svg", "pdf", "csv")} <= \
            set(seen.values("href"))


def test_groups_of_figures_can_be_switched_by_model_and_scenario(data, seen):
    groups = seen.all("g")
    assert {g["data-m"] for g in groups if "data-m" in g} == set(data.about)
    known = {cell["scenario"] for cell in data.summary["cells"]}
    assert {g["data-s"] for g in groups if "data-s" in g} <= known
    assert {b["data-toggle"] for b in seen.all("button") if "data-toggle" in b} == set(data.about)


def test_the_table_has_a_row_for_each_cell_and_model(data, seen):
    rows = [(r["data-s"], r["data-m"]) for r in seen.all("tr") if "data-s" in r and "data-m" in r]
    wanted = [(cell["scenario"], row["model"]) for cell in data.summary["cells"]
              for row in cell["models"]]
    assert set(wanted) <= set(rows) and len(rows) >= len(wanted)


def test_every_reason_and_everything_that_is_missing_is_told(data, seen):
    for reason in data.summary["trust"]["reasons"]:
        assert " ".join(reason.split()) in seen.words
    assert "turn 17 ran twice" in seen.words and "killed by signal 11" in seen.words


def test_the_file_carries_its_numbers(data, seen):
    link = next(a["href"] for a in seen.all("a") if "download" in a)
    assert unquote(link.removeprefix("data:text/csv;charset=utf-8,")) == as_csv(data.summary)


def test_identical_data_gives_identical_bytes(data, html, tmp_path):
    folder = tmp_path / data.result.path.name
    shutil.copytree(data.result.path, folder)
    lines = (folder / "samples.jsonl").read_text().splitlines(keepends=True)
    (folder / "samples.jsonl").write_text("".join(reversed(lines)))
    result = read_result(folder)
    assert drawn_page(result, summarise(result), tmp_path / "f")[0] == html


def test_the_page_of_many_models_is_small_enough(every, tmp_path):
    page, drawn = drawn_page(every.result, every.summary, tmp_path)
    assert len(page.encode()) < 2_000_000
    assert page.count('role="img"') == len(drawn)  # none had to give way


def test_a_drawing_that_is_too_large_gives_way_to_a_link():
    big = SVG.format('<g><path d="M0 0L1.23456 5"/></g>' * 20_000)
    small = SVG.format('<path d="M0 0L1 1"/>')
    assert report.fitting([big, small], Looks(), 10**7)[0] is None
    kept = report.fitting([small, SVG.format('<path d="M0 0L1 1"/>' * 50), small], Looks(), 300)
    assert [svg is not None for svg in kept] == [True, False, True]
    drawn = [{"name": "x", "question": "Q?", "alt": "what is seen", "reading": "R", "note": "",
              "files": []}]
    summary = summary_of_nothing()
    page = report.page({}, summary, drawn, ([], ""), {"x": big})
    assert "too large for one page" in page and page.count("what is seen") == 2


def test_numbers_lose_digits_before_a_drawing_gives_way():
    figure = SVG.format('<path d="M0.12 0.34L5.67 8.91"/>' * 8_500)
    svg = report.fitting([figure], Looks(), 10**7)[0]
    assert svg and "5.7 8.9" in svg


def summary_of_nothing():
    from interleave.records import Result
    return summarise(Result(fixtures.Path("/nowhere/made_up"), {"models": []}, [], []))


def test_a_result_without_anything_still_has_a_page():
    seen = Seen(bare(summary_of_nothing(), {}))
    assert "Nothing was measured that a figure could show." in seen.words
    assert "not known" in seen.words


def test_what_files_say_is_text_and_never_a_tag(data):
    summary, manifest = copy.deepcopy(data.summary), copy.deepcopy(data.result.manifest)
    summary["result_id"] = summary["commit"] = summary["profile"] = EVIL
    summary["machine"] = {"name": EVIL, "cpu_model": EVIL, "cpus": 2, "hypervisor": EVIL}
    summary["trust"]["reasons"] = [EVIL]
    for said in summary["models"]:
        if said["model"] == "tbb":
            said.update(model=EVIL, family=EVIL, rung=EVIL)
    text = json.dumps(summary).replace('"tbb"', json.dumps(EVIL)).replace(
        "fanout", json.dumps(EVIL)[1:-1])
    summary = json.loads(text)
    manifest.update(command=[EVIL], compiler=EVIL, libraries={EVIL: EVIL})
    manifest["environment"]["before"][EVIL] = {"value": EVIL, "state": EVIL}
    missing = f"## Missing\n\n- `{EVIL}` {EVIL}\n"
    tables = [text for _, section in result_page.SECTIONS if (text := section(summary))]
    page = report.page(manifest, summary, [], (tables, missing), {})
    seen = Seen(page)
    assert not seen.all("img") and len(seen.all("script")) == 1
    assert not [a for _, a in seen.tags if any(key.startswith("on") for key in a)]
    assert seen.words.count("<script>alert(1)</script>") > 20


def test_what_a_figure_cannot_draw_is_not_taken_over():
    svg = inline_svg(SVG.format(
        '<script>alert(1)</script><foreignObject><p>x</p></foreignObject>'
        '<g id="model-asio-3" onclick="alert(2)" style="fill: #ff0000; stroke: none">'
        '<path id="m1" d="M 1.23456 2 &#10;L 3 4"/><use xlink:href="#m1" x="-0.001"/>'
        '<use xlink:href="https://example.org/#m1"/><a xlink:href="javascript:alert(3)"/>'
        '<text style="fill: url(https://example.org/)" transform="rotate(-0 5 5)">a &lt; b</text>'
        '</g>'), 7, looks := Looks())
    assert svg == ('<svg viewBox="0 0 9 9"><g data-m="asio" class="z0">'
                   '<path id="f7-0" d="M1.23 2L3 4"/><use href="#f7-0" x="0"/><use/>'
                   '<text>a &lt; b</text></g></svg>')
    assert looks.css() == ".z0{fill:#ff0000;stroke:none}\n"


def test_points_that_became_a_picture_are_taken_over_and_nothing_else_that_loads():
    def taken(href):
        image = f'<image xlink:href="{href}" width="2" y="-1.5"/>'
        return inline_svg(SVG.format(image), 0, Looks())

    assert '<image href="data:image/png;base64,AAAA" width="2" y="-1.5"/>' in taken(
        "data:image/png;base64,\nAA AA")
    for other in ("https://example.org/x.png", "x.png", "data:image/svg+xml;base64,AAAA"):
        assert "href" not in taken(other)


def test_a_file_that_is_no_drawing_is_none():
    assert inline_svg("", 1, Looks()) is None and inline_svg("<svg", 1, Looks()) is None
    assert inline_svg("<html/>", 1, Looks()) is None


def test_markdown_is_written_as_html_and_its_rows_say_whose_they_are():
    html = markdown("## A *head*\n\nSome **`x`** of [this](a/b.md).\n\n- one\n  more\n- two\n\n"
                    "| model | n |\n|---|---:|\n| `asio` | 1 |\n| **fanout** 3 agents | 2<br>3 |\n",
                    {"asio"}, {"fanout"})
    assert "<h4>A <em>head</em></h4>" in html
    assert '<p>Some <strong><code>x</code></strong> of <a href="a/b.md">this</a>.</p>' in html
    assert "<ul><li>one more</li><li>two</li></ul>" in html
    assert '<tr data-m="asio"><td><code>asio</code><td class="n">1' in html
    assert '<tr data-s="fanout"><td><strong>fanout</strong> 3 agents<td class="n">2<br>3' in html


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "//x.org",
                                    "file:///"])
def test_a_link_that_could_run_something_stays_text(target):
    assert "<a" not in markdown(f"see [this]({target})")


def test_older_results_without_comparisons_show_the_winning_tiers(data):
    summary = {k: v for k, v in data.summary.items() if k not in ("comparisons", "noise")}
    seen = Seen(bare(summary, data.result.manifest))
    assert len([r for r in seen.all("tr") if "data-s" in r and "data-m" not in r]) == \
        len(summary["winning_tiers"])
    assert "noise floor not measured" in seen.words and "not watched" in seen.words


def test_noise_and_canary_stand_at_the_top_where_they_are_known(data):
    summary = data.summary | {"noise": {
        "floor": 0.0123, "pairs": [], "canary": {
            "n": 45, "blocks": 40, "disturbed": 3, "appended": 2}}}
    words = Seen(bare(summary, data.result.manifest)).words
    assert "noise floor 1.2 %" in words and "3 of 40" in words and "2 measured anew" in words


def test_tiers_say_how_much_longer_and_what_could_have_been_seen(data):
    cell = data.summary["cells"][0]
    summary = data.summary | {"comparisons": [{
        "cell_id": cell["cell_id"], "hint": False, "margin": 0.03,
        "tiers": [["asio", "tbb"], ["threads"]], "pairs": [
            {"one": "asio", "other": "tbb", "n": 15, "ratio": {"median": 0.99}, "detectable": 1.02},
            {"one": "asio", "other": "threads", "n": 15, "ratio": {"median": 0.5},
             "detectable": 1.04}]}], "winning_tiers": []}
    words = Seen(bare(summary, data.result.manifest)).words
    assert re.search(r"asio\s+tbb\s+threads\s+2.0×\s+15\s+4 %", words)


def test_a_model_that_was_not_run_stands_behind_the_tiers_with_its_bound(data):
    tier = next(t for t in data.summary["winning_tiers"] if t["at_least"])
    cell = {"cell_id": tier["cell_id"], "hint": True, "margin": 0.03, "pairs": [],
            "tiers": [[tier["best"]]]}
    summary = data.summary | {"comparisons": [cell], "winning_tiers": [tier]}
    words = Seen(bare(summary, data.result.manifest)).words
    for model in tier["at_least"]:
        assert re.search(rf"{tier['best']} .*{model} ≥ [\d.,]+×", words)


def test_a_level_that_is_not_citable_says_so_where_it_is_cited(data):
    summary = data.summary | {"trust": {"level": "not citable", "reasons": ["Made up."]}}
    words = Seen(bare(summary, data.result.manifest)).words
    assert "Not to be cited" in words and "This result should not be cited" in words


def test_the_verb_writes_the_page_and_its_check_sum_and_leaves_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(charts, "FIGURES", charts.FIGURES[:1])
    folder = fixtures.write_result(tmp_path / "r")
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    said = []
    session = SimpleNamespace(root=tmp_path, say=said.append)
    assert cli.function_of("report")(session, SimpleNamespace(dir=folder)) == 0
    page = (folder / "report.html").read_bytes()
    digest = hashlib.sha256(page).hexdigest()
    assert f"{digest}  report.html\n" in (folder / "SHA256SUMS").read_text()
    after = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    assert {n for n in after if after[n] != before.get(n)} == {"report.html", "SHA256SUMS"}
    listed = page.decode().partition('<ul class="files">')[2].partition("</ul>")[0]
    named = [a["href"] for a in Seen(listed).all("a")]
    assert "samples.jsonl" in named and all((folder / name).is_file() for name in named)
    assert not (folder / "figures").exists() and "report.html" in said[0]


def test_each_run_makes_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(charts, "FIGURES", charts.FIGURES[:1])
    monkeypatch.setattr(charts, "WIDTHS", ((charts.PAGE, ""),))
    folder = fixtures.write_result(tmp_path / "r", blocks=2)
    result_page.write_result(folder)
    page = (folder / "report.html").read_text()
    assert "<figure" in page and read_result(folder).manifest["result_id"] in page
