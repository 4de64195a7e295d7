"""What does a result look like in a browser? Writes report.html: one file that needs no network.

Whoever opens it sees first whether to trust it, then what to use, then the figures and all numbers.
"""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.markers import MarkerStyle

from . import cite, style
from . import report_view as view
from .lock import drawing_into
from .report_markup import markdown
from .report_svg import Looks, inline_svg
from .samples import write_whole
from .sums import SUMS, write_sums

PAGE = "report.html"
TEMPLATES = Path(__file__).resolve().parent / "page"
MOST_BYTES = 1_900_000    # of the page: it must open quickly, and go through mail
FIGURE_BYTES = 250_000    # of one drawing


def main(session, options):
    """Draws the page anew from the samples. Of the others only SHA256SUMS changes."""
    from . import charts, result_page  # which imports this module
    from .cli import shown
    from .records import read_result
    from .summary import summarise
    result = read_result(options.dir)
    summary = summarise(result)
    with TemporaryDirectory() as scratch:
        figures = Path(scratch)
        drawn, left_out = charts.draw_all(result, summary, figures, kinds=["svg"],
                                          widths=[(charts.PAGE, "")])
        texts = result_page.texts(result.manifest, summary, left_out)
        with drawing_into(result.path):
            write_report(result, summary, drawn, texts, figures)
            write_sums(result.path)  # the summary is still that of whoever drew it
    session.say(f"For any browser, without a network: {shown(result.path / PAGE)}")
    return 0


def write_report(result, summary, drawn, texts, figures=None):
    """`drawn`: as draw_all gives it; `texts`: the Markdown of the other tables, and of what is
    missing; `figures`: the folder of the drawings, if not the result's own."""
    figures = figures or result.path / "figures"
    drawings = {d["name"]: (figures / f"{d['name']}.svg").read_text() for d in drawn}
    # The check sums are taken last, so they will be there; an older result may lack other files.
    files = [name for name, _ in view.FILES if name == SUMS or (result.path / name).is_file()]
    write_whole(result.path / PAGE, page(result.manifest, summary, drawn, texts, drawings, files))


def page(manifest, summary, drawn, texts, drawings, files=()):
    """The page as text: identical data gives identical bytes. `drawings`: SVG by name; `files`:
    what lies beside the page."""
    said = contents(manifest, summary, texts, files)
    looks = Looks()
    room = MOST_BYTES - len(_rendered(said, drawn, [None] * len(drawn), looks).encode())
    inlined = fitting([drawings.get(d["name"], "") for d in drawn], looks, room)
    return _rendered(said, drawn, inlined, looks)


def contents(manifest, summary, texts, files):
    """All that the template names but figures, style and script."""
    winners = view.winners(summary)
    facts, checks = view.environment(manifest, summary["machine"])
    tables, missing = texts
    return {
        "summary": summary, "people": view.people(summary), "marks": _marks(summary),
        "scenarios": view.scenarios(summary), "headline": view.headline(summary),
        "verdict": view.verdict(summary), "strip": view.strip(summary),
        "answers": view.answers(summary), "few_blocks": view.few_blocks(summary),
        "winners": winners, "often": view.often(winners),
        "any_open": any(w["open"] for w in winners), "numbers": list(view.numbers(summary)),
        "tables": list(view.tables(summary, tables)), "missing": markdown(missing),
        "facts": facts, "checks": checks, "csv": view.csv_link(summary),
        "files": [(name, words) for name, words in view.FILES if name in files],
        "cite": _citation(summary, manifest)}


def _rendered(said, drawn, inlined, looks):
    css = Markup(f"\n{_file('report.css')}{_colours(said['summary'])}{looks.css()}")
    script = Markup(f"\n{_file('report.js')}")
    figures = [d | {"svg": svg, "note": markdown(d["note"] or "", set(said["people"]))}
               for d, svg in zip(drawn, inlined)]
    return _template().render(**said, figures=figures, css=css, script=script, css_hash=_hash(css),
                              script_hash=_hash(script))


def fitting(drawings, looks, room):
    """As HTML those that the page has room for; None for one that can only be linked. One that is
    too large loses digits first; where all are too large together, the largest give way."""
    kept = []
    for number, drawing in enumerate(drawings):
        for decimals in (2, 1):
            svg = inline_svg(drawing, number, looks, decimals)
            if not svg or len(svg) <= FIGURE_BYTES:
                break
        kept.append(svg if svg and len(svg) <= FIGURE_BYTES else None)
    while any(kept) and sum(map(len, filter(None, kept))) + len(looks.css()) > room:
        kept[max(range(len(kept)), key=lambda i: len(kept[i] or ""))] = None
    return [svg and Markup(svg) for svg in kept]


def _citation(summary, manifest):
    """(name, title, text) of each way to cite."""
    return [("sentence", "As a sentence", cite.sentence(summary, manifest)),
            ("bibtex", "As BibTeX", cite.bibtex(summary, manifest))]


@lru_cache(maxsize=None)
def _template():
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("report.html.j2")


def _file(name):
    return (TEMPLATES / name).read_text()


def _hash(text):
    """As a content security policy names what may be on the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _colours(summary):
    looks = style.styles(summary["models"])
    return "".join(f".k{i}{{--k:{looks[said['model']].colour}}}\n"
                   for i, said in enumerate(summary["models"]))


def _marks(summary):
    """The marker of each model as the `d` of a path between -1 and 1."""
    looks = style.styles(summary["models"])
    return {said["model"]: _outline(looks[said["model"]].marker) for said in summary["models"]}


def _outline(marker):
    shape = MarkerStyle(marker)
    path = shape.get_path().transformed(shape.get_transform())
    reach = abs(path.vertices).max() or 1
    letters = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}
    parts = []
    for points, code in path.iter_segments(simplify=False, curves=True):
        pairs = " ".join(f"{x / reach:.2f} {-y / reach:.2f}" for x, y in points.reshape(-1, 2))
        parts.append(letters[code] + (pairs if code != 79 else ""))
    return "".join(parts)
