"""Is a figure's SVG small, and still all of the drawing?"""

import re
import xml.etree.ElementTree as tree

import pytest

from interleave.sheet import COLUMN, PAGE, save
from interleave.svg import slim

RAW = """<svg width="9pt" viewBox="0 0 9 9" xmlns="http://www.w3.org/2000/svg">
 <defs>
  <style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt}</style>
 </defs>
 <g id="figure_1">
  <g id="model-asio-3">
   <defs>
    <path id="m1" d="M 0 0
L -2.5 0
"/>
   </defs>
   <g clip-path="url(#p1)">
    <use xlink:href="#m1" x="1.234567" y="0.004" style="fill: #222222; fill-opacity: 0.35"/>
    <use xlink:href="#m1" x="2.5" y="3.999999" style="fill: #222222; fill-opacity: 0.35"/>
   </g>
  </g>
  <g id="line2d_1">
   <path d="M 1.111111 2.222222
L 1.111111 3.333333
L 4.4 3.333333
L 5 6
z
" style="fill: none"/>
  </g>
  <g id="text_1">
   <text x="1" y="2" transform="rotate(-0 1 2)">n = 1.23456 s</text>
   <text x="1" y="2" transform="rotate(-90 1 2)">upright</text>
  </g>
 </g>
 <defs>
  <clipPath id="p1">
   <rect x="0" y="0" width="9" height="9"/>
  </clipPath>
 </defs>
</svg>
"""


@pytest.fixture
def short():
    return slim(RAW)


def test_ids_are_kept_of_models_and_of_what_is_referred_to(short):
    assert set(re.findall(r' id="([^"]*)"', short)) == {"model-asio-3", "m1", "p1"}


def test_upright_and_level_parts_of_a_path_are_one_number(short):
    assert ' d="M1.11 2.22V3.33H4.4L5 6z"' in short
    assert ' d="M0 0H-2.5"' in short


def test_what_all_points_have_in_common_is_said_once(short):
    assert short.count("fill-opacity") == 1
    assert '<use xlink:href="#m1" x="1.23" y="0"/>' in short


def test_words_stay_as_they_are(short):
    assert "<text x=\"1\" y=\"2\">n = 1.23456 s</text>" in short
    assert 'transform="rotate(-90 1 2)">upright' in short


def test_the_look_of_all_lines_is_no_rule_for_the_page_around(short):
    assert "<style" not in short
    assert 'style="stroke-linejoin: round; stroke-linecap: butt"' in short.split("\n")[0]


def test_points_that_are_pale_as_a_whole_keep_their_own_looks():
    pale = slim(RAW.replace("fill-opacity", "opacity"))
    assert pale.count("opacity: 0.35") == 2


def test_every_drawing_is_well_formed_with_all_that_it_refers_to(drawings, tmp_path):
    for (name, width), drawing in drawings.items():
        save(drawing, tmp_path, name, ["svg"])
        text = (tmp_path / f"{name}.svg").read_text()
        root = tree.fromstring(text)
        ids = [node.get("id") for node in root.iter() if node.get("id")]
        assert len(ids) == len(set(ids)), name
        referred = set(re.findall(r"url\(#([^)]*)\)", text)) | set(
            re.findall(r'href="#([^"]*)"', text))
        assert referred and referred <= set(ids), name
        words = {"".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")}
        assert any(drawing.question.startswith(line) for line in words if line), name


def test_the_figures_of_a_run_fit_into_a_page(drawings, tmp_path):
    sizes = {}
    for (name, width), drawing in drawings.items():
        if width != COLUMN:
            assert width == PAGE
            save(drawing, tmp_path, name, ["svg"])
            sizes[name] = (tmp_path / f"{name}.svg").stat().st_size
    assert max(sizes.values()) < 150_000, sizes
