"""What is the same in every figure? The frame: question, reading, panels, footer, and its files.

Lengths are inches from the top, so that text keeps its size and place at either width.
"""

import csv
import io
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from .pdf_fonts import outlines_only
from .style import INK, QUIET
from .svg import slim

PAGE, COLUMN = 7.2, 3.5
MARGIN = 0.12
BETWEEN = 0.07  # inches from a panel's name to the words after it
SETTINGS = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 7.5,
    "axes.labelsize": 7.5, "axes.titlesize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6,
    "axes.edgecolor": QUIET, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": QUIET, "ytick.color": QUIET, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
    "ytick.major.size": 2.5, "xtick.minor.size": 1.5, "ytick.minor.size": 1.5,
    "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "lines.linewidth": 1.3, "lines.markersize": 4, "hatch.linewidth": 0.5, "axes.unicode_minus":
    False, "path.simplify": False,
    # Text stays text, and identical data gives identical bytes.
    "svg.fonttype": "none", "svg.hashsalt": "interleave", "pdf.fonttype": 42, "savefig.dpi": 200,
    "figure.dpi": 100,
}


class NothingToDraw(Exception):
    """The result holds no data for this figure; the message says which."""


@dataclass
class Drawing:
    """One figure at one width, and all that a page needs in order to show it."""

    name: str
    question: str
    reading: str
    alt: str
    figure: Figure
    rows: list  # the plotted data, for the CSV
    note: str = ""  # for the page: what the figure cannot say in a line
    axes: list = field(default_factory=list)


@contextmanager
def settings():
    """Matplotlib's own defaults and ours: nothing of a user's matplotlibrc, which would change the
    bytes."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def make_sheet(width, question, reading, footer, panels, panel_height, *, columns, left, right,
               above=0.22, below=0.42):
    """A figure with its texts and empty axes, `columns` to a row; and the list of the axes.

    `left`, `right`, `above`, `below`: room around each panel for its axis labels and names.
    """
    columns = min(columns, panels)
    rows = -(-panels // columns)
    usable = width - 2 * MARGIN
    title = wrap(question, 10.5, usable, "bold")
    lead = wrap(reading, 7.5, usable)
    foot = wrap(footer, 7, usable)
    head = MARGIN + len(title) * 0.185 + len(lead) * 0.138 + 0.07
    tail = len(foot) * 0.125 + MARGIN * 0.7
    height = head + rows * (above + panel_height + below) + tail
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    y = MARGIN * 0.7
    for lines, size, weight, step, colour in ((title, 10.5, "bold", 0.185, INK),
                                              (lead, 7.5, "normal", 0.138, INK)):
        for line in lines:
            figure.text(MARGIN / width, 1 - y / height, line, size=size, weight=weight,
                        color=colour, va="top", ha="left")
            y += step
    for i, line in enumerate(reversed(foot)):
        figure.text(MARGIN / width, (MARGIN * 0.6 + i * 0.125) / height, line, size=7,
                    color=QUIET, va="bottom", ha="left")
    cell = usable / columns
    axes = []
    for i in range(panels):
        row, column = divmod(i, columns)
        x0 = MARGIN + column * cell + left
        top = head + row * (above + panel_height + below) + above
        alone = i == panels - 1 and column == 0  # no corner stays empty
        room = usable if alone else cell
        axes.append(figure.add_axes([x0 / width, 1 - (top + panel_height) / height,
                                     (room - left - right) / width, panel_height / height]))
    return figure, axes


def title_room(ax, left):
    """Inches from where a panel's title begins, `left` of the panel, to the next panel's title; in
    the last of a row to the edge of the figure."""
    own, width = ax.get_position(), ax.figure.get_size_inches()[0]
    beside = [p.x0 for p in (other.get_position() for other in ax.figure.axes)
              if p.x0 >= own.x1 and p.y0 < own.y1 and own.y0 < p.y1]
    return (min(beside) - own.x0) * width - 2 * BETWEEN if beside \
        else width - MARGIN / 2 - own.x0 * width + left


def shortened(words, size, width):
    """The words if they have room, or as many of their parts between commas; of one part, as many
    words. "…" stands for the others."""
    for mark in (", ", " "):
        parts = words.split(mark)
        for count in range(len(parts), 0, -1):
            text = mark.join(parts[:count]) + ("" if count == len(parts) else f"{mark.strip()} …")
            if measure(text, size) <= width:
                return text
    return ""


def panel_title(ax, name, words="", left=0.0):
    """The scenario in bold, and what a stranger should think of it, as far as there is room."""
    words = shortened(words, 7.5, title_room(ax, left) - measure(name, 8, "bold") - BETWEEN)
    shift = -left * 72 / (ax.get_window_extent().width * 72 / ax.figure.dpi)
    width = ax.get_window_extent().width * 72 / ax.figure.dpi
    ax.annotate(name, (shift, 1), (0, 5), xycoords="axes fraction", textcoords="offset points",
                size=8, weight="bold", va="bottom", ha="left", annotation_clip=False)
    if words:
        ax.annotate(words, (shift + (measure(name, 8, "bold") + BETWEEN) * 72 / width, 1), (0, 5),
                    xycoords="axes fraction", textcoords="offset points", size=7.5, color=QUIET,
                    va="bottom", ha="left", annotation_clip=False)


@lru_cache(maxsize=None)
def measure(text, size, weight="normal"):
    """Inches that one line of text takes."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return _scratch().get_text_width_height_descent(text, font, False)[0] / 100


@lru_cache(maxsize=None)
def _scratch():
    return FigureCanvasAgg(Figure(dpi=100)).get_renderer()


def wrap(text, size, width, weight="normal"):
    lines = []
    for word in re.findall(r"\S+(?:\s%\S*)?", text):  # a number keeps its per cent
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def widest(texts, size):
    return max((measure(t, size) for t in texts), default=0.0)


# What each kind of file is told to leave out, so that identical data gives identical bytes.
KINDS = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None},
         "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}


def save(drawing, folder, stem, kinds=tuple(KINDS)):
    """Writes the figure as SVG, PNG and PDF; returns their names."""
    names = []
    with settings(), outlines_only():
        for kind in kinds:
            buffer = io.BytesIO()
            more = {"pil_kwargs": {"compress_level": 3}} if kind == "png" else {}  # of 9: no larger
            drawing.figure.savefig(buffer, format=kind, metadata=KINDS[kind], **more)
            data = buffer.getvalue()
            if kind == "svg":
                data = slim(_with_alt_text(data.decode(), drawing, stem)).encode()
            path = folder / f"{stem}.{kind}"
            path.write_bytes(data)
            names.append(path.name)
    return names


def _with_alt_text(svg, drawing, stem):
    """A title and a description inside the SVG, for those who hear it instead of seeing it."""
    def opened(match):
        return (f'{match.group(0)[:-1]} role="img" aria-labelledby="{stem}-title {stem}-desc">\n'
                f' <title id="{stem}-title">{escape(drawing.question)}</title>\n'
                f' <desc id="{stem}-desc">{escape(drawing.alt)}</desc>')

    return re.sub(r"<svg [^>]*>", opened, svg, count=1)


def save_rows(drawing, folder):
    """Writes the plotted data as CSV, so that anybody can draw it anew; returns its name."""
    out = io.StringIO()
    columns = list(dict.fromkeys(key for row in drawing.rows for key in row))
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(drawing.rows)
    path = folder / f"{drawing.name}.csv"
    path.write_text(out.getvalue())
    return path.name
