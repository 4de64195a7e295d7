"""How does a figure of print become a part of a page? The same drawing in a third of the bytes.

Only what draws is taken over: known elements with known attributes, so that nothing in a file can
run or load anything. Groups named `model-NAME-k` and `panel-NAME-k` become `data-m` and `data-s`,
for the page's switches; every other id is dropped, or is short and unique in the page where
something refers to it. Styles become classes: a page that allows no inline style is a safe one.
"""

import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

ELEMENTS = {"svg", "g", "path", "use", "text", "tspan", "defs", "clipPath", "pattern", "rect",
            "circle", "ellipse", "line", "polyline", "polygon", "image", "linearGradient", "stop"}
ATTRIBUTES = {"d", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "width", "height", "cx", "cy", "r",
              "rx", "ry", "points", "transform", "clip-path", "viewBox", "patternUnits",
              "patternTransform", "patternContentUnits", "fill", "stroke", "stroke-width",
              "opacity", "offset", "preserveAspectRatio"}
GROUP = re.compile(r"(model|panel)-(.+)-\d+")
DATA = {"model": "data-m", "panel": "data-s"}
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
REFERENCE = re.compile(r"url\(#([^)]+)\)")
SAFE_STYLE = re.compile(r"[\w\s.,:;#()'%+-]*")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Looks:
    """The styles of all figures of a page, each once, by the name of its class."""

    def __init__(self):
        self._names = {}

    def class_of(self, style):
        return self._names.setdefault(style, f"z{_short(len(self._names))}")

    def css(self):
        return "".join(f".{name}{{{style}}}\n" for style, name in self._names.items())


def inline_svg(svg, number, looks, decimals=2):
    """`svg`: the text of a file; `number`: of the figure in the page; None: it is no drawing."""
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return None
    if _name(root.tag) != "svg" or not root.get("viewBox"):
        return None
    wanted = {w for element in root.iter() for w in _references(element)}
    names = {}
    for element in root.iter():
        if element.get("id") in wanted:
            names.setdefault(element.get("id"), f"f{number}-{_short(len(names))}")
    return _written(root, names, looks, decimals)


def _written(element, names, looks, decimals):
    """The element and all in it, on one line; nothing for what does not draw."""
    tag = _name(element.tag)
    if tag not in ELEMENTS:
        return ""
    children = "".join(_written(e, names, looks, decimals) for e in element)
    text = escape(element.text or "") if tag in ("text", "tspan") else ""
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in
                         _attributes(element, tag, names, looks, decimals))
    if tag == "g" and not attributes or tag in ("g", "defs") and not children:
        return children
    if tag == "path" and not element.get("d"):
        return ""
    return f"<{tag}{attributes}>{text}{children}</{tag}>" if text or children else \
        f"<{tag}{attributes}/>"


def _attributes(element, tag, names, looks, decimals):
    own = element.attrib
    found = GROUP.fullmatch(own.get("id", ""))
    if found:
        yield DATA[found[1]], found[2]
    if own.get("id") in names:
        yield "id", names[own["id"]]
    style = _plain_style(own.get("style"), names)
    if style:
        yield "class", looks.class_of(style)
    for key, value in own.items():
        if _name(key) == "href":
            if value.startswith("#") and value[1:] in names:
                yield "href", f"#{names[value[1:]]}"
            elif tag == "image" and value.startswith("data:image/png;base64,"):
                yield "href", re.sub(r"\s", "", value)
        elif key in ATTRIBUTES and not (tag == "svg" and key in ("width", "height", "x", "y")):
            value = _shorter(key, REFERENCE.sub(
                lambda m: f"url(#{names.get(m[1], 'none')})", value), decimals)
            if value:
                yield key, value


def _shorter(key, value, decimals):
    """Fewer digits than anybody can see, and no rotation by nothing."""
    if key == "transform":
        return NUMBER.sub(lambda m: _rounded(m[0], decimals + 2),
                          re.sub(r"rotate\(-?0 [^)]*\)", "", value)).strip()
    if key in ("d", "points"):
        value = re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(value.split()))
    return NUMBER.sub(lambda m: _rounded(m[0], decimals), value)


def _rounded(number, decimals):
    text = f"{float(number):.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _plain_style(style, names):
    if not style or not SAFE_STYLE.fullmatch(style):
        return ""
    style = REFERENCE.sub(lambda m: f"url(#{names.get(m[1], 'none')})", style)
    return ";".join(re.sub(r"\s*:\s*", ":", part.strip()) for part in style.split(";")
                    if part.strip())


def _references(element):
    for key, value in element.attrib.items():
        if _name(key) == "href" and value.startswith("#"):
            yield value[1:]
        yield from REFERENCE.findall(value)


def _name(tag):
    """Without its namespace; a comment has no name."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _short(number):
    text = ""
    while True:
        number, digit = divmod(number, len(DIGITS))
        text = DIGITS[digit] + text
        if not number:
            return text
