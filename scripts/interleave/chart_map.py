"""Where does the winner change? A map over agents and CPU share, coloured by the winner."""

from math import inf

from matplotlib.patches import Rectangle

from . import stats, style, units
from .sheet import COLUMN, MARGIN, Drawing, NothingToDraw, make_sheet, measure, widest, wrap
from .winner_map import (PLAIN, STRUCTURES, least_loss, plainest, plainest_first, standing, state,
                         times, winner_map, winners)

SIZE, LINE = 7, 0.118  # of the words in a square: points, and inches from line to line
NARROWEST = 0.62  # inches of a square that a name fits into
GAP = 0.018  # inches around a square
ALONE, TIE = 0.35, 0.82  # how pale
UNCLEAR = " ?"


def where_does_the_winner_change(data, width):
    chart = winner_map(data.summary)
    if chart is None:
        raise NothingToDraw("`fanout` and `compute` were not measured at two numbers of agents "
                            "with two CPU shares each: larger profiles have more of these cells")
    order = plainest_first(data.summary)
    kinds = {key: _kind(data, tier, order) for key, (_, tier) in chart.squares.items()}
    left = 0.62 if width == COLUMN else 1.0
    agents = _columns_that_fit(chart.agents, width - 2 * MARGIN - left)
    shown = {key: tier for key, (_, tier) in chart.squares.items() if key[1] in agents}
    key_lines = _key(data, shown, order)
    texts = {key: _words(data, tier, order, width, (width - 2 * MARGIN - left) / len(agents))
             for key, tier in shown.items()}
    tall = max(len(lines) for lines in texts.values()) * LINE + 0.12
    question = "Where does the winner change?"
    reading = _reading(shown.values(), texts.values(), len(agents) < len(chart.agents))
    figure, (ax,) = make_sheet(width, question, reading, data.footer(
        [r["n"] for cell, _ in chart.squares.values() for r in cell["models"] if r["n"]]), 1,
        tall * len(chart.shares), columns=1, left=left, right=0.0, above=0.06,
        below=0.46 + len(key_lines) * 0.14)
    _axis(ax, chart.shares, agents, width)
    for y, share in enumerate(chart.shares):
        for x, count in enumerate(agents):
            _square(ax, data, x, y, shown.get((share, count)), order, texts.get((share, count)))
    _lines_between_kinds(ax, chart.shares, agents, kinds)
    _write_key(ax, data, key_lines, left)
    return Drawing("winner-map", question, reading, _alt(data, chart, order), figure,
                   _rows(chart, order), _note(data, chart, order), [ax])


def _kind(data, tier, order):
    """The structure of the plainest winner; None where it is open who wins."""
    if state(tier) == "open":
        return None
    return data.about[plainest(winners(tier), order)].get("structure")


def _columns_that_fit(agents, room):
    """Numbers of agents, evenly thinned to as many as there is room for; both ends stay."""
    most = max(2, int(room / NARROWEST))
    if len(agents) <= most:
        return agents
    return [agents[round(i * (len(agents) - 1) / (most - 1))] for i in range(most)]


def _reading(tiers, texts, thinned):
    tiers = list(tiers)
    found = {state(t) for t in tiers}
    parts = ["Bold: of the models that no other beats, the one that is plainest to write."]
    if "tie" in found:
        alike = max(t.get("margin", stats.MARGIN) for t in tiers) * 100
        parts.append(f"Pale: several are equally fast (within {alike:.3g} %).")
    if "alone" in found:
        parts.append("Full colour: it alone is fastest.")
    if "open" in found:
        parts.append("Hatched: not resolved.")
    parts.append("Heavy line: from here on another kind of code is needed to keep up. "
                 "12×: takes 12 times as long.")
    if any(text.endswith(UNCLEAR) for lines in texts for text, _ in lines):
        parts.append(f"{UNCLEAR.strip()}: neither proved as fast nor slower.")
    hints = sum(t.get("hint", True) for t in tiers)
    if hints:
        which = "all squares" if hints == len(tiers) else f"{hints} of {len(tiers)} squares"
        parts.append(f"Hints, no verdicts: {which}, with fewer than {stats.ENOUGH_BLOCKS} blocks.")
    if thinned:
        parts.append("Some numbers of agents are only in the wide figure.")
    return " ".join(parts)


def share_words(share):
    return "compute only" if share == inf else units.exact_percent(share)


def _axis(ax, shares, agents, width):
    ax.set_xlim(0, len(agents))
    ax.set_ylim(0, len(shares))
    ax.set_xticks([x + 0.5 for x in range(len(agents))], [f"{n:,}" for n in agents])
    words = [share_words(s).replace("compute ", "compute\n" if width == COLUMN else "compute ")
             for s in shares]
    ax.set_yticks([y + 0.5 for y in range(len(shares))], words)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xlabel("agents at once")
    ax.set_ylabel("computing, in per cent of the time waited")
    inches = ax.get_window_extent().width / ax.figure.dpi
    ax.yaxis.set_label_coords(-(0.55 if width == COLUMN else 0.9) / inches, 0.5)


def _square(ax, data, x, y, tier, order, lines):
    box = ax.get_window_extent()
    across, along = (GAP * ax.figure.dpi / size for size in
                     (box.width / ax.get_xlim()[1], box.height / ax.get_ylim()[1]))
    frame = {"xy": (x + across, y + along), "width": 1 - 2 * across, "height": 1 - 2 * along}
    if tier is None:
        ax.add_patch(Rectangle(**frame, fill=False, ec="#C8C8C8", lw=0.5, ls=(0, (2, 2))))
        _write(ax, x, y, [("not", "normal", style.QUIET), ("measured", "normal", style.QUIET)])
        return
    look = data.styles[plainest(winners(tier), order)]
    kind, fill = state(tier), _fill(look, tier)
    ax.add_patch(Rectangle(**frame, fc=fill, ec="#B0B0B0" if kind == "open" else fill, lw=0.5,
                           hatch="/////" if kind == "open" else None))
    ink = _ink_on(fill)
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.6} if kind == "open" else None
    first = look.ink if kind == "tie" else ink
    _write(ax, x, y, [(text, weight, first if weight == "bold" else ink)
                      for text, weight in lines], behind)


def _fill(look, tier):
    return {"open": "white", "alone": look.tint(ALONE), "tie": look.tint(TIE)}[state(tier)]


def _ink_on(fill):
    """Dark words on a light colour, white ones on a dark: by its relative luminance (WCAG 2)."""
    parts = [int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5)] if fill.startswith("#") else [1] * 3
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return style.INK if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.2 \
        else "#FFFFFF"


def _write(ax, x, y, lines, behind=None):
    step = LINE * 72
    for i, (text, weight, colour) in enumerate(lines):
        ax.annotate(text, (x + 0.5, y + 0.5), (0, ((len(lines) - 1) / 2 - i) * step),
                    textcoords="offset points", size=SIZE, weight=weight, color=colour,
                    ha="center", va="center_baseline", bbox=behind, zorder=5)


def _words(data, tier, order, width, room):
    """What stands in a square, as (text, weight), each as wide as the square allows."""
    room -= 2 * GAP + 0.02
    first = plainest(winners(tier), order)
    lines = [(part, "bold") for part in _fitted(first, room)]
    kind, count = state(tier), len(winners(tier))
    total = count + len(tier["slower"]) + len(tier["unresolved"])
    if kind == "tie":
        lines.append((f"{count} of {total} tie" if count < total else f"all {total} tie", "normal"))
    elif kind == "open":
        lines.append((f"or {units.plural(len(tier['unresolved']), 'other')}", "normal"))
    else:
        lines.append(("wins alone", "normal"))
    losses = [w for w in (_loss_words(data, tier, structure) for structure in PLAIN) if w]
    if not losses and tier["slower"]:
        losses = [_times(*max((least_loss(tier, [m]) for m in tier["slower"]),
                              key=lambda found: found[1]))]
    together = ", ".join(losses)
    if width == COLUMN:
        losses = losses[:1]
    elif measure(together, SIZE) <= room:
        losses = [together] if losses else []
    return lines + [(part, "normal") for text in losses for part in wrap(text, SIZE, room)]


def _loss_words(data, tier, structure):
    """How far the least beaten model of a structure is behind, where all of it are beaten."""
    members = [m for m, said in data.about.items() if said.get("structure") == structure]
    found = standing(tier, members)
    if found == "open":
        names = [m for m in tier["unresolved"] if m in members]
        return names[0] + UNCLEAR if state(tier) != "open" else ""
    return _times(*least_loss(tier, members)) if found == "out" else ""


def _times(model, ratio, at_least):
    return f"{model} {'≥' if at_least else ''}{times(ratio)}"


def _fitted(name, room):
    """A name in lines that fit: broken after an underscore, or else cut."""
    if measure(name, SIZE, "bold") <= room:
        return [name]
    pieces = [piece + "_" for piece in name.split("_")[:-1]] + [name.split("_")[-1]]
    lines = [""]
    for piece in pieces:
        longer = lines[-1] + piece
        if not lines[-1] or measure(longer, SIZE, "bold") <= room:
            lines[-1] = longer
        else:
            lines.append(piece)
    return [_cut(line, room) for line in lines]


def _cut(line, room):
    if measure(line, SIZE, "bold") <= room:
        return line
    while line and measure(line + "…", SIZE, "bold") > room:
        line = line[:-1]
    return line + "…"


def _lines_between_kinds(ax, shares, agents, kinds):
    """A heavy line on each side that two squares share whose plainest winners differ in kind."""
    def kind(x, y):
        return kinds.get((shares[y], agents[x])) if x < len(agents) and y < len(shares) else None

    for y in range(len(shares)):
        for x in range(len(agents)):
            here, right, above = kind(x, y), kind(x + 1, y), kind(x, y + 1)
            for other, xs, ys in ((right, [x + 1, x + 1], [y, y + 1]),
                                  (above, [x, x + 1], [y + 1, y + 1])):
                if here and other and here != other:
                    ax.plot(xs, ys, color=style.INK, lw=2.2, solid_capstyle="projecting",
                            zorder=4, clip_on=False)


def _key(data, tiers, order):
    """The models named in bold, the plainest first, each with its colours in the map and its kind
    in words."""
    fills = {}
    for tier in tiers.values():
        first = plainest(winners(tier), order)
        fills.setdefault(first, set()).add(_fill(data.styles[first], tier))
    return [(m, sorted(fills[m]), STRUCTURES.get(data.about[m].get("structure"), ""))
            for m in sorted(fills, key=order.index)]


def _write_key(ax, data, lines, left):
    box = ax.get_window_extent()
    inches, height = box.width / ax.figure.dpi, box.height / ax.figure.dpi
    for i, (model, fills, words) in enumerate(lines):
        look, y = data.styles[model], -(0.49 + i * 0.14) / height
        part = 0.12 / len(fills)
        for k, fill in enumerate(fills):
            ax.add_patch(Rectangle(((k * part - left) / inches, y - 0.045 / height), part / inches,
                                   0.09 / height, transform=ax.transAxes, fc=fill, lw=0.4,
                                   ec=look.tint(ALONE), clip_on=False))
        ax.text((0.17 - left) / inches, y, model, transform=ax.transAxes, size=SIZE, weight="bold",
                color=look.ink, va="center_baseline", ha="left", clip_on=False)
        x = 0.17 + widest([model], SIZE) * 1.17 + 0.06 - left
        ax.text(x / inches, y, words, transform=ax.transAxes, size=SIZE, va="center_baseline",
                ha="left", clip_on=False)


def _note(data, chart, order):
    """Where each plain kind of code is in the winning tier, and what no picture can say."""
    parts = []
    for structure in PLAIN:
        members = [m for m, said in data.about.items() if said.get("structure") == structure]
        found = {key: standing(tier, members) for key, (_, tier) in chart.squares.items()}
        inside = [key for key, stands in found.items() if stands == "in"]
        judged = [key for key, stands in found.items() if stands]
        if judged:
            most = max((n for _, n in inside), default=None)
            where = "" if not inside else f", the largest of {units.plural(most, 'agent')}"
            words = STRUCTURES[structure]
            parts.append(f"{words[0].upper()}{words[1:]} is as fast as anything measured in "
                         f"{len(inside)} of {len(judged)} squares{where}.")
    parts.append("Two models are compared within the blocks of one run. With "
                 f"{stats.ENOUGH_BLOCKS} blocks a model is beaten where that holds for all pairs "
                 "of the square together (Holm, 5 %); with fewer, by the 95 % interval of each "
                 "comparison by itself, which is a hint. Plainest: sequential code, then a thread for each "
                 "turn, then by rung (naive, idiomatic, tuned), then by how often a model is among "
                 "the fastest. ≥: not run, at least so long by its structure.")
    return " ".join(parts)


def _alt(data, chart, order):
    rows = []
    for share in chart.shares:
        told = []
        for count in chart.agents:
            if (share, count) not in chart.squares:
                continue
            tier = chart.squares[share, count][1]
            first, kind = plainest(winners(tier), order), state(tier)
            words = {"alone": "alone", "open": "not resolved",
                     "tie": f"tie of {len(winners(tier))}"}[kind]
            told.append(f"{units.plural(count, 'agent')} {first} ({words})")
        name = "Computing only" if share == inf else f"CPU share {share_words(share)}"
        rows.append(f"{name}: {', '.join(told)}.")
    return "A map of the plainest of the fastest models, by agents and CPU share. " + " ".join(rows)


def _rows(chart, order):
    rows = []
    for (share, count), (_, tier) in sorted(chart.squares.items()):
        first = plainest(winners(tier), order)
        verdicts = ([(tier["best"], "least median")] + [(m, "equivalent") for m in tier["tied"]]
                    + [(m, "not resolved") for m in tier["unresolved"]]
                    + [(m, "slower") for m in tier["slower"]]
                    + [(m, "no result") for m in tier["no_result"]])
        for model, verdict in verdicts:
            ratio = tier["ratios"].get(model) or {}
            is_best = model == tier["best"]
            rows.append({
                "panel": share_words(share), "model": model, "kind": verdict, "x": count,
                "y": 1 if is_best else ratio.get("median", tier["at_least"].get(model, "")),
                "low": ratio.get("low"), "high": ratio.get("high"),
                "n": tier["n"] if is_best else ratio.get("n"),
                "at_least": "yes" if model in tier["at_least"] else "",
                "plainest": "yes" if model == first else "", "square": state(tier)})
    return rows
