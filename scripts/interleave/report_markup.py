"""How does our own Markdown become HTML? Headings, paragraphs, lists, quotes and tables: no more.

Everything is escaped first, so that what a file says can never be taken for a tag; a table tells of
which model or scenario each of its rows is, where its first cell says so.
"""

import re

from markupsafe import Markup, escape

LINK = re.compile(r"\[([^]]+)\]\(([^)\s]+)\)")
SAFE_TARGET = re.compile(r"(https?://|#|(?!/)[\w./-]+$)")


def inline(text):
    """Code, bold, italic, links and line breaks of one line of Markdown."""
    parts = re.split(r"`([^`]*)`", str(text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else _words(part)
                           for i, part in enumerate(_joined(parts)))


def _joined(parts):
    return parts if len(parts) % 2 else [*parts[:-1], ""]


def _words(text):
    html = str(escape(text)).replace("&lt;br&gt;", "<br>")
    html = LINK.sub(_link, html)
    html = re.sub(r"(?<![\w*])\*(\S(?:[^*]*\S)?)\*(?![\w*])", r"<em>\1</em>", html)
    return Markup(html)


def _link(match):
    if not SAFE_TARGET.match(match[2]):
        return match[0]
    return f'<a href="{match[2]}">{match[1]}</a>'


def bold(text):
    """Bold may hold code, so it is found before code is."""
    parts = re.split(r"\*\*(.+?)\*\*", str(text))
    return Markup("").join(Markup("<strong>{}</strong>").format(inline(part)) if i % 2
                           else inline(part) for i, part in enumerate(parts))


def markdown(text, models=(), scenarios=(), level=4):
    """Blocks of Markdown as HTML; a heading of `##` gets `level`."""
    blocks, lines = [], text.splitlines()
    while lines:
        if not lines[0].strip():
            lines.pop(0)
            continue
        kind = _kind(lines[0])
        taken = [lines.pop(0)]
        while lines and lines[0].strip() and (kind != "heading") and (
                _kind(lines[0]) == kind or kind == "list" and lines[0].startswith(" ")):
            taken.append(lines.pop(0))
        blocks.append(_block(kind, taken, models, scenarios, level))
    return Markup("\n").join(blocks)


def _kind(line):
    return {"#": "heading", "|": "table", "-": "list", ">": "quote"}.get(
        line[0] if line[:2] in ("- ", "> ") or line[0] in "#|" else "", "paragraph")


def _block(kind, lines, models, scenarios, level):
    if kind == "heading":
        return Markup("<h{0}>{1}</h{0}>").format(level, bold(lines[0].lstrip("# ")))
    if kind == "table":
        return table(lines, models, scenarios)
    if kind == "list":
        items = re.split(r"(?:^|\n)- ", "\n".join(lines))[1:]
        return Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(bold(" ".join(i.split()))) for i in items))
    if kind == "quote":
        return Markup("<blockquote>{}</blockquote>").format(
            bold(" ".join(line.lstrip("> ") for line in lines)))
    return Markup("<p>{}</p>").format(bold(" ".join(lines)))


def table(lines, models, scenarios):
    """Lines with bars between cells: a head, a line of alignments, rows."""
    head, right = _cells(lines[0]), []
    if len(lines) > 1 and re.fullmatch(r"[|:\s-]+", lines[1]):
        right = [cell.strip().endswith(":") for cell in _cells(lines[1])]
        lines = lines[1:]
    whole = _of(head[0], (), scenarios)

    def row(cells, tag):
        return Markup("").join(
            Markup("<{0}{1}>{2}").format(tag, _side(right, i), bold(cell.strip()))
            for i, cell in enumerate(cells))

    body = Markup("").join(Markup("<tr{}>{}\n").format(
        _of(cells[0], models, scenarios) or whole, row(cells, "td"))
        for cells in map(_cells, lines[1:]))
    if not any(cell.strip() for cell in head):
        return _wrapped(Markup("<tbody>\n{}</tbody>").format(body), False)
    return _wrapped(Markup("<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>").format(
        row(head, Markup('th scope="col"')), body), True)


def _wrapped(inside, sortable):
    return Markup('<div class="wide" tabindex="0" role="region" aria-label="table"><table{}>{}'
                  "</table></div>").format(Markup(' class="sortable"') if sortable else "", inside)


def _side(right, column):
    return Markup(' class="n"') if column < len(right) and right[column] else ""


def _cells(line):
    return re.split(r"(?<!\\)\|", line.strip().strip("|"))


def _of(cell, models, scenarios):
    """Of which model or scenario the first cell says that its row is."""
    model = re.fullmatch(r"\s*(?:\*\*)?`?([^`*]+?)`?(?:\*\*)?\s*", cell)
    if model and model[1] in models:
        return Markup(' data-m="{}"').format(model[1])
    scenario = re.match(r"\s*\*\*`?([^`*]+?)`?\*\*", cell)
    if scenario and scenario[1] in scenarios:
        return Markup(' data-s="{}"').format(scenario[1])
    return ""
