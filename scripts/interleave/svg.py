"""How is a figure written as SVG in few bytes, each part where a hundredth of a point wants it?

Matplotlib names each part, writes six digits, and repeats the look of each point. Nothing of what
is drawn changes here, but for what is less than a hundredth of a point.
"""

import re

OURS = re.compile(r"(model|panel)-|.*-(title|desc)$")


def slim(svg):
    """The text of an SVG that Matplotlib has written, shorter."""
    svg = re.sub(r"(?m)^\s+", "", svg)
    svg = re.sub(r'(?<= d=")[^"]*', lambda m: _path(m.group(0)), svg)
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    svg = re.sub(r'(?<= (?:x|y)=")[^"]*(?=")|(?<=translate\()[^)]*', _rounded_all, svg)
    svg = _look_of_all(svg)
    svg = re.sub(r"<g>\n((?:<use [^>]*/>\n)+)</g>", lambda m: _alike(m, "<g"), svg)
    svg = re.sub(r"(<g clip-path=\"[^\"]*\")>\n((?:<use [^>]*/>\n)+)</g>",
                 lambda m: _alike(m, m.group(1)), svg)
    wanted = set(re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", svg))
    wanted = {name for pair in wanted for name in pair}
    svg = re.sub(r' id="([^"]*)"', lambda m: m.group(0) if m.group(1) in wanted or OURS.match(
        m.group(1)) else "", svg)
    while "<g/>\n" in svg or "<g>\n</g>\n" in svg:
        svg = svg.replace("<g/>\n", "").replace("<g>\n</g>\n", "")
    return svg


def _look_of_all(svg):
    """As the look of the root and no rule: in a page a rule would be for the whole of it."""
    rule = re.compile(r"<defs>\n<style type=\"text/css\">\*\{([^}]*)\}</style>\n</defs>\n")
    found = rule.search(svg)
    if not found:
        return svg
    return re.sub(r"<svg [^>]*", lambda m: f'{m.group(0)} style="{found.group(1)}"',
                  rule.sub("", svg, 1), count=1)


def _alike(match, opening):
    """Points of one look: what is the same of all is said of their group."""
    points = match.group(match.lastindex)
    looks = set(re.findall(r' style="([^"]*)"', points))
    if len(looks) != 1 or re.search(r"(^|[; ])opacity", next(iter(looks))):
        return match.group(0)
    plain = re.sub(r' style="[^"]*"', "", points)
    return f'{opening} style="{next(iter(looks))}">\n{plain}</g>'


def _path(d):
    """Level and upright parts by one number each."""
    out, at = [], (None, None)
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", d):
        numbers = [_rounded(n) for n in numbers.split()]
        to = tuple(numbers[-2:]) or (None, None)
        if command == "L" and to[1] == at[1]:
            out.append(f"H{to[0]}")
        elif command == "L" and to[0] == at[0]:
            out.append(f"V{to[1]}")
        else:
            out.append(command + " ".join(numbers))
        at = to
    return "".join(out)


def _rounded_all(match):
    return " ".join(map(_rounded, match.group(0).split()))


def _rounded(number):
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
