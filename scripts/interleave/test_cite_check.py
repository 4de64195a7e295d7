"""Is a number noticed that the result does not have, and no other number complained about?"""

import copy
import io
import json
import re

import pytest
from rich.console import Console

from . import cite, cite_check
from .cite_check import check_file, words
from .cite_fixture import ID, write_round_result
from .cite_known import Known
from .cite_latex import latex_table
from .cite_numbers import said
from .cite_tables import cite_markdown
from .cite_text import latex_plain, markdown_plain, read_document
from .cli import main
from .records import read_result


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    write_round_result(folder / "machine" / ID)
    return folder


@pytest.fixture(scope="module")
def known(results):
    return Known(results / "machine" / ID)


@pytest.fixture
def checked(results, known, tmp_path, monkeypatch):
    """Checks a text, with the result read once for all."""
    monkeypatch.setattr(cite_check, "Known", lambda folder: known)

    def check(text, suffix=".md"):
        path = tmp_path / f"paper{suffix}"
        path.write_text(text)
        return check_file(path, results)
    return check


IN = f"Result {ID}. "
FANOUT = "In `fanout` with 1,000 agents, "
TRUE = [
    "asio took 905 ms.",
    "`asio` needed 905 ms and `libuv` took 935 ms.",
    "asio finished in 0.905 s, libuv in 0.94 s.",
    "asio: 905 ms [900–910], tbb: 965 ms [960 to 970].",
    "asio took about 900 ms, asyncio roughly 1.1 s.",
    "905 ms with asio, 935 ms for `libuv`.",
    "it takes 905 ms (asio) or 0.935 seconds (libuv).",
    "Asio takes 905 milliseconds.",
    "libuv took 1.03× as long as asio.",
    "asio took 905 ms [900, 910], n = 6.",
    "asio 905\u202fms, libuv 935&nbsp;ms.",
    "asio finished in 905 ms (95 % CI 900 to 910 ms), libuv in 935 ms.",
    "oneTBB (`tbb`) took 965 ms.",
    "libuv took 935 ms, i.e. 1.03× as long as asio.",
    "the median of asio at 1,000 agents is 905 ms; of tbb 965 ms.",
    "asio — 905 ms; libuv = 935 ms; tbb, 965 ms.",
    "fastest is asio, slowest asyncio: threads took 995 ms.",
    "libuv took 1.03x as long as asio.",
    "libuv took 1.03 times as long as asio.",
    "asyncio took about 1,000 ms.",
]
FALSE = [
    ("asio took 906 ms.", "906 ms", "905 ms", "asio"),
    ("`asio` needed 905 ms and `libuv` took 953 ms.", "953 ms", "935 ms", "libuv"),
    ("asio finished in 0.95 s.", "0.95 s", "0.91 s", "asio"),  # or 0.90
    ("asio: 905 ms [901–910].", "901 ms", "900 ms", "asio"),
    ("asio: 905 ms [900 to 911].", "911 ms", "910 ms", "asio"),
    ("asio took about 800 ms.", "800 ms", "905 ms", "asio"),
    ("906 ms with asio.", "906 ms", "905 ms", "asio"),
    ("it takes 995 ms (`asio`).", "995 ms", "905 ms", "asio"),
    ("libuv took 1.30× as long as asio.", "1.30×", "1.03×", "libuv"),
    ("asio took 905 ms, n = 16.", "16", "6", "n of fanout"),
    ("asio finished in 905 ms (95 % CI 900 to 920 ms).", "920 ms", "910 ms", "asio"),
    ("libuv took 935 ms, that is 1.30× as long as asio.", "1.30×", "1.03×", "libuv"),
    ("asio at 1,000 agents took 950 ms.", "950 ms", "905 ms", "asio"),
    ("oneTBB (`tbb`) took 956 ms.", "956 ms", "965 ms", "tbb"),
    ("libuv took 1.30x as long as asio.", "1.30×", "1.03×", "libuv"),
    ("libuv took 1.30 times as long as asio.", "1.30×", "1.03×", "libuv"),
]
# Nobody can tell what these numbers are of; or they are of something else.
OPEN = [
    "asio wakes 47 ms late.",
    "`asio` and `tbb`: 47 ms and 48 ms, of too few runs.",
    "asio, tbb and libuv: 47 ms, 48 ms and 49 ms.",
    "47 ms and 48 ms with asio and tbb.",
    "asio or tbb took 47 ms.",
    "asio took 47 ms or 48 ms.",
    "tbb took 47 ms longer than asio (48 ms against 1 ms).",
    "asio 47.2 ms late, libuv 3 ms later.",
    "asio and libuv took 303 and 304 ms respectively.",
    "the p99 of asio was 47 ms.",
    "heartbeats: asio 47 ms.",
    "asio took 47 ms longer than libuv.",
    "asio, which has a timer of 20 ms, and libuv.",
    "10 threads took 47 ms.",
    "the start-up of asio took 47 ms.",
    "a wait of 30 ms, then asio.",
    "asio computes 5 % of the time.",
    "asio pays 20 µs a call.",
    "asio took 47 ms with libuv's timers.",
    "a wait of 80 ms on asio.",
    "each timer is due every 80 ms with asio.",
    "asio is 3 ms behind libuv, 2 ms before tbb.",
    "asio is within 3 ms of libuv.",
    "the budget is 8 s for asio.",
    "hundreds of threads in 47 ms.",
    "asio waits 47 ms, computes 3 ms, and asio 30 ms of CPU.",
    "asio, unlike threads, took 995 ms.",
    "asio, faster than `threads`, took 905 ms.",
    "libuv, in contrast to asio, took 935 ms.",
    "libuv, unlike asio, took 47x as long as tbb.",
]


@pytest.mark.parametrize("sentence", TRUE)
def test_what_is_right_is_no_problem(checked, sentence):
    report = checked(IN + FANOUT + sentence)
    assert report.problems == [] and report.matching >= 1 and report.unattributed == 0


@pytest.mark.parametrize("sentence, says, instead, about", FALSE)
def test_what_is_wrong_is_flagged_with_what_is_right(checked, sentence, says, instead, about):
    report = checked(f"One.\n\n{IN}\n{FANOUT}{sentence}")
    (problem,) = report.problems
    assert (problem["line"], problem["says"]) == (4, says)
    assert problem["result_says"].rstrip("01") == instead.rstrip("01")
    assert problem["where"].startswith(about) and "fanout, 1,000 agents" in problem["where"]


@pytest.mark.parametrize("sentence", OPEN)
def test_what_cannot_be_attributed_is_counted_and_never_flagged(checked, sentence):
    report = checked(IN + FANOUT + sentence)
    assert report.problems == [] and report.matching == 0


@pytest.mark.parametrize("text", [
    "asio took 47 ms.",  # no cell
    "In `fanout`, asio took 47 ms.",  # with 10 agents, or 10,000?
    "In `fanout` with 77 agents, asio took 47 ms.",  # of another result
    "In `nonesuch` with 1,000 agents, asio took 47 ms.",
    "asio took 47 ms in `fanout` with 10 agents and 48 ms with 1,000 agents.",
    "In `fanout` with 1,000 agents, and in compute, what then? In compute asio took 47 ms."])
def test_where_the_cell_is_not_plain_nothing_is_flagged(checked, text):
    report = checked(IN + text)
    assert report.problems == [] and report.matching == 0 and report.unattributed >= 1


def test_a_number_that_fits_one_of_several_cells_is_counted_as_such(checked):
    report = checked(IN + "In `fanout`, asio took 905 ms.")
    assert (report.matching, report.fitting, report.problems) == (0, 1, [])


def test_a_sentence_is_about_the_cell_of_the_one_before_it(checked):
    report = checked(IN + FANOUT + "asio is fast. libuv took 936 ms. With 1 worker asio took 9 s.")
    assert [(p["says"], p["where"]) for p in report.problems] == [
        ("936 ms", "libuv, fanout, 1,000 agents"), ("9 s", "asio, fanout, 1,000 agents, 1 worker")]


def test_a_time_of_a_model_that_was_not_run_is_flagged(checked):
    (problem,) = checked(IN + FANOUT + "sequential took 3 s.").problems
    assert "has no such number" in problem["result_says"]


LATEX = r"""\documentclass{article}
\usepackage{booktabs} % asio took 1 ms in `fanout`
\begin{document}
\section{Results}
Result \texttt{20250102T030405Z\_abc1234\_quick}, scenario \texttt{fanout}, AGENTS agents:
TEXT
\begin{verbatim}
asio 1 ms
\end{verbatim}
\end{document}
"""


def in_latex(agents, text):
    return LATEX.replace("AGENTS", agents).replace("TEXT", text)


@pytest.mark.parametrize("right, wrong, says", [
    (r"asio took \SI{905}{\milli\second}.", r"\SI{906}{\milli\second}", "906 ms"),
    (r"asio took \qty{905}{ms}.", r"\qty{950}{ms}", "950 ms"),
    (r"asio took 905~ms.", "509~ms", "509 ms"),
    (r"asio took $905$ ms.", "$915$ ms", "915 ms"),
    (r"asio took 905\,ms [900--910].", r"905\,ms [990--910]", "990 ms"),
    (r"\texttt{libuv} took $1.03\times$ as long as \texttt{asio}.", r"$1.13\times$", "1.13×"),
    (r"asio took $9.05 \cdot 10^{2}$~ms, that is 905~ms.", "905~kg", None),
    (r"asio took 905\,000\,\(\mu\)s.", r"906\,000\,\(\mu\)s", "906,000 µs"),
    (r"asio took \num{905000}~$\mu$s.", r"\num{906000}~$\mu$s", "906000 µs"),
    (r"asio took 905{,}000~\textmu s.", r"906{,}000~\textmu s", "906,000 µs")])
@pytest.mark.parametrize("agents", ["1,000", "1{,}000", r"\num{1000}", r"1\,000", "$1000$"])
def test_numbers_are_read_as_latex_writes_them(checked, agents, right, wrong, says):
    report = checked(in_latex(agents, right), ".tex")
    assert report.problems == [] and report.matching >= 1 or says is None
    if says:
        part = right[right.index("took ") + 5:].rstrip(".")
        part = part if "as long" not in part else part.split(" as")[0]
        report = checked(in_latex(agents, right.replace(part, wrong)), ".tex")
        assert [p["says"] for p in report.problems] == [says] and report.problems[0]["line"] == 6


def test_markup_is_taken_off_and_names_stay():
    assert latex_plain(r"\textbf{5\,\%} of \code{a\_b}~\cite{x}") .strip() == "5 % of `a_b`"
    assert markdown_plain("> **5 %** of [`a_b`](http://x/y_z) and *more*<br>2&nbsp;ms") == \
        "5 % of `a_b` and more 2 ms"


def printed(known, form):
    manifest = read_result(known.folder).manifest
    return {"text": cite.as_text(known.summary, manifest, "text"),
            "markdown": cite_markdown(known.summary, manifest),
            "latex": latex_table(known.summary, manifest),
            "page": cite.how_to_cite(known.summary, manifest)}[form]


FORMS = [("text", ".md"), ("markdown", ".md"), ("latex", ".tex"), ("page", ".md")]


@pytest.mark.parametrize("form, suffix", FORMS)
def test_what_cite_prints_is_all_checked_and_all_right(checked, known, form, suffix):
    report = checked(printed(known, form), suffix)
    assert report.problems == []
    assert report.unattributed <= 1 and report.fitting == 0  # a share of time in a reason
    assert report.matching >= {"text": 50, "page": 10}.get(form, 200)


@pytest.mark.parametrize("form, suffix", FORMS)
def test_every_single_wrong_digit_in_it_is_found(checked, known, form, suffix):
    """In medians and intervals; a share is an odd one out, rounded to two digits."""
    text = printed(known, form)
    numbers = list(re.finditer(r"(?<![\w.,–])\d[\d.,]*(?=(?: |\\,)(?:ms|s|µs|\\\(\\mu)\b)"
                               r"|(?<=[\[–])\d[\d.,]*(?=[–\]])|(?<=-)\d[\d.,]*(?= &)", text))
    assert len(numbers) > 10
    for number in numbers[:: max(1, len(numbers) // 25)]:
        last = number.end() - 1
        changed = text[:last] + str((int(text[last]) + 3) % 10) + text[last + 1:]
        report = checked(changed, suffix)
        assert len(report.problems) == 1, changed[number.start() - 30:number.end() + 10]
        assert report.problems[0]["line"] == text[:last].count("\n") + 1


def test_a_table_with_fewer_rows_and_columns_is_still_known(checked):
    rows = ["| scenario | `asio`<br>idiomatic | `tbb` |", "|---|---:|---:|",
            "| **fanout** 1,000 agents | 905 ms [900–910] | 965 ms |",
            "| **layers** 64 agents | 2.11 s | **2.52 s** |"]
    text = IN + "\n\n" + "\n".join(rows)
    (problem,) = checked(text).problems
    assert (problem["line"], problem["says"], problem["result_says"]) == (6, "2.52 s", "2.25 s")
    assert problem["where"] == "tbb, layers, 64 agents"


def test_the_unit_may_stand_in_the_head_of_a_column(checked):
    table = ("| scenario | asio (ms) | tbb (ms) |\n|---|---|---|\n"
             "| fanout, 1,000 agents | 905 | {} |")
    assert checked(f"{IN}\n\n{table.format(965)}").matching == 2
    (problem,) = checked(f"{IN}\n\n{table.format(956)}").problems
    assert (problem["says"], problem["result_says"]) == ("956 ms", "965 ms")


def test_a_latex_table_of_ones_own_is_read_too(checked):
    table = r"""\begin{tabular}{l|S[table-format=3.1]r}
      \hline & \textbf{asio} & \textbf{tbb} \\ \hline
      fanout, 1,000~agents & 905\,ms & \SI{956}{ms} \\
      layers, 64~agents & 2.11\,s & 2.25~s \\ \hline
    \end{tabular}"""
    report = checked(in_latex("10", table), ".tex")
    assert [(p["says"], p["line"]) for p in report.problems] == [("956 ms", 8)]
    assert report.matching == 3


def test_a_table_of_something_else_is_left_alone(checked):
    """Rows and columns are the same, the times are of a wake-up."""
    table = ("| scenario | asio | tbb |\n|---|---|---|\n| fanout, 1,000 agents | 47.2 ms | 3.1 ms |"
             "\n| layers, 64 agents | 48 ms | 2.11 ms |")
    report = checked(f"{IN}\n\n{table}")
    assert report.problems == [] and report.unattributed == 4


def test_a_table_of_an_earlier_run_is_not_of_something_else(checked):
    """All its times are wrong, and all are near: nobody drew it again."""
    table = ("| scenario | asio | tbb |\n|---|---|---|\n| fanout, 1,000 agents | 925 ms | 985 ms |"
             "\n| layers, 64 agents | 2.31 s | 2.45 s |")
    report = checked(f"{IN}\n\n{table}")
    assert [p["says"] for p in report.problems] == ["925 ms", "985 ms", "2.31 s", "2.45 s"]


def test_a_number_of_another_result_is_no_match_where_this_one_has_its_own(
        results, known, tmp_path, monkeypatch):
    """Two results in one text: what is said of the one must not be right because of the other."""
    other_id = ID.replace("quick", "standard")
    slower = copy.copy(known)
    slower.id, slower.folder = other_id, tmp_path
    slower.row = lambda cell, model: twice(known.row(cell, model))
    folders = {ID: results / "machine" / ID, other_id: tmp_path}
    monkeypatch.setattr(cite_check, "Known",
                        lambda folder: slower if folder == tmp_path else known)
    monkeypatch.setattr(cite_check, "folders_by_id", lambda _: folders)
    paper = tmp_path / "paper.md"

    def told(text):
        paper.write_text(text)
        report = check_file(paper, results)
        return report.matching, report.fitting, len(report.problems)

    first, second = (f"In `fanout` with 1,000 agents, asio took {{}} (result {name}).\n\n"
                     for name in (ID, other_id))
    assert told(first.format("905 ms") + second.format("1.81 s")) == (2, 0, 0)
    assert told(first.format("1.81 s") + second.format("905 ms")) == (0, 0, 2)  # swapped
    assert told(first.format("905 ms") + second.format("47 ms")) == (1, 0, 1)


def twice(row):
    return row and row | {"makespan_ns": {key: value if key in ("n", "coverage") else 2 * value
                                          for key, value in row["makespan_ns"].items()}}


def test_a_mark_tells_whose_a_table_is(checked, known):
    manifest = read_result(known.folder).manifest
    text = cite_markdown(known.summary, manifest, known.cells[:1]).replace("305 ms", "395 ms")
    assert "395 ms" in text
    assert [p["says"] for p in checked(text).problems] == ["395 ms"]
    other = text.replace("abc1234_quick -->", "fffffff_quick -->")
    report = checked(other)
    assert [p["kind"] for p in report.problems] == ["result"]  # and no number of it


def test_tables_of_the_page_are_checked_whatever_they_are_of(checked, known):
    page = "\n".join(text for text in known._texts())
    row = next(line for line in page.splitlines() if line.startswith("| `asio` | asio | idiomatic"))
    lines = page.splitlines()
    head = next(lines[i] for i in range(lines.index(row), 0, -1) if lines[i].startswith("| model"))
    copied = f"{IN}\n\n{head}\n|---|\n{row}\n"
    assert checked(copied).problems == [] and checked(copied).matching >= 3
    number = re.search(r"\| (\d[\d,.]+) \[", row)
    wrong = copied[:copied.index(number[0])] + "| 1 [" + copied[copied.index(number[0])
                                                                 + len(number[0]):]
    assert [p["says"] for p in checked(wrong).problems] == ["1"]


def test_a_result_that_is_nowhere_is_flagged(checked):
    report = checked(f"{IN}\nAnd 20990101T000000Z_fffffff_standard says otherwise.")
    (problem,) = report.problems
    assert (problem["kind"], problem["line"]) == ("result", 2)
    assert "20990101T000000Z_fffffff_standard, which is not below results/" in next(words(report))


def test_code_is_no_text(checked):
    block = f"{IN}{FANOUT}\n\n```\nasio took 1 ms\n```\n\n    asio took 2 ms\n"
    assert checked(block).problems == [] and checked(block).unattributed == 0


@pytest.mark.parametrize("text, unit, measured, agrees", [
    ("303", "ms", 302.5e6, True), ("303", "ms", 303.49e6, True), ("303", "ms", 303.6e6, False),
    ("0.30", "s", 303e6, True), ("0.31", "s", 303e6, False), ("1,000", "ms", 1000.4e6, True),
    ("99", "%", 0.994, True), ("99", "%", 0.996, False), ("1.05", "×", 1.0549, True)])
def test_a_number_agrees_where_rounding_makes_it_the_same(text, unit, measured, agrees):
    assert said(text, unit).agrees(measured) is agrees


def test_after_about_zeros_at_the_end_are_no_digits():
    assert said("300", "ms", hedged=True).agrees(303e6)
    assert not said("300", "ms").agrees(303e6)
    assert not said("300", "ms", hedged=True).agrees(370e6)
    assert said("1,000", "ms", hedged=True).agrees(1090e6)
    assert not said("1,000", "ms", hedged=True).agrees(1400e6)
    assert not said("1,000", "ms", hedged=True).agrees(600e6)


@pytest.fixture
def root(tmp_path, results):
    """A checkout of which cite --check needs the options and results/ alone."""
    from .fake_root import make_root
    folder = make_root(tmp_path / "root", ["good"])
    (folder / "results").rmdir()
    (folder / "results").symlink_to(results)
    return folder


def run(root, capsys, *arguments):
    status = main(["cite", *map(str, arguments)], root, Console(file=io.StringIO()))
    return status, *capsys.readouterr()


def test_the_verb_says_line_number_and_what_is_right_and_ends_with_1(root, tmp_path, capsys):
    paper = tmp_path / "paper.md"
    paper.write_text(f"{IN}\n{FANOUT}asio took 903 ms and libuv 935 ms, after 5 ms.\n")
    status, out, err = run(root, capsys, "--check", paper)
    assert (status, err) == (1, "")
    first, last = out.splitlines()
    assert first == (f"{paper}:2: says 903 ms, the result says 905 ms (asio, fanout, 1,000 agents; "
                     f"{ID})")
    assert last.startswith("2 numbers checked against 1 result: 1 match, 1 does not. 1 number ")


def test_the_verb_ends_with_0_where_all_match_and_2_where_nothing_is_named(root, tmp_path, capsys):
    paper = tmp_path / "paper.md"
    paper.write_text(f"{IN}{FANOUT}asio took 905 ms.\n")
    assert run(root, capsys, "--check", paper)[0] == 0
    paper.write_text(f"{FANOUT}asio took 905 ms.\n")
    status, _, err = run(root, capsys, "--check", paper)
    assert status == 2 and "names no result" in err and err.count("\n") == 1
    assert run(root, capsys, root / "results" / "machine" / ID, "--check", paper)[0] == 0
    paper.write_bytes(b"\xff\xfe\x00")
    status, _, err = run(root, capsys, "--check", paper)
    assert status == 2 and err.count("\n") == 1


def test_the_answer_as_json_is_one_document(root, tmp_path, capsys):
    paper = tmp_path / "paper.md"
    paper.write_text(f"{IN}{FANOUT}asio took 903 ms, libuv 935 ms.\n")
    status, out, _ = run(root, capsys, "--check", paper, "--json")
    answer = json.loads(out)
    assert status == 1 and (answer["checked"], answer["matching"]) == (2, 1)
    assert answer["results"][ID].endswith(ID)
    assert answer["problems"][0]["says"] == "903 ms"


def test_a_damaged_result_elsewhere_does_not_stop_the_check(results, tmp_path, capsys):
    (results / "broken").mkdir(exist_ok=True)
    (results / "broken" / "manifest.json").write_text("{")
    (results / "broken" / "plan.jsonl").write_text("")
    paper = tmp_path / "paper.md"
    paper.write_text(f"{IN}{FANOUT}asio took 905 ms.\n")
    assert check_file(paper, results).matching == 1
    assert "left out" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "|\n|", "| a |\n|---|\n", "\\begin{tabular}", "```", "![](",
                                  "\\SI{}{}", "| | |\n| | |", "$$", "<!--", "\\\\ & &", "|" * 99])
@pytest.mark.parametrize("suffix", [".md", ".tex"])
def test_no_text_is_too_odd(checked, text, suffix):
    assert checked(f"{ID}\n\n{text}", suffix).problems == []
    assert checked(f"{text}\n\n{ID}\n{text}{text}", suffix).problems == []


def test_lines_are_those_of_the_file():
    document = read_document("a\n\nb\nc 5 ms\n", is_latex=False)
    paragraph = document.paragraphs[1]
    assert paragraph.line_at(paragraph.text.index("5")) == 4


def test_pictures_say_what_the_result_says_of_them(checked, known, results):
    alt = "Lines. fanout at 1,000 agents: asio 905 ms, libuv 935 ms."
    page = results / "machine" / ID / "README.md"
    page.write_text(f"![{alt}](figures/times.png)\n")
    known._learn(read_document(page.read_text(), is_latex=False))
    path = f"results/machine/{ID}/figures/times.png"
    assert checked(f"![{alt}]({path})").matching == 3
    (problem,) = checked(f"\n![{alt.replace('935', '953')}]({path})").problems
    assert (problem["line"], problem["says"], problem["result_says"]) == (2, "953", "935")
    assert checked(f"![Other words: asio 4 ms]({path})").unattributed == 1
