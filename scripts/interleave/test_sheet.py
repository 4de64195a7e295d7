"""Has every title of a panel room, at either width, whatever it says?"""

import pytest

from interleave.sheet import (BETWEEN, COLUMN, MARGIN, PAGE, make_sheet, measure, panel_title,
                              settings, shortened, wrap)
from interleave.stacked import LINE, title, title_lines

NAME, LONG = "grain-waits", "1,000 agents, 2 workers, 3.00 µs of computing a turn"
SHAPES = [(PAGE, 2), (PAGE, 3), (COLUMN, 1), (COLUMN, 2)]


def sheet(width, columns):
    return make_sheet(width, "Does it fit?", "It is read so.", "a footer", 2 * columns, 1.0,
                      columns=columns, left=0.5, right=0.1, above=0.4)


def boxes(ax):
    renderer = ax.figure.canvas.get_renderer()
    return [t.get_window_extent(renderer) for t in ax.texts if t.get_text()]


def assert_apart(figure, axes):
    found = [box for ax in axes for box in boxes(ax)]
    assert len(found) >= len(axes)
    for i, box in enumerate(found):
        assert 0 <= box.x0 and box.x1 <= figure.bbox.width
        assert not any(box.overlaps(other) for other in found[:i])


@pytest.mark.parametrize("width, columns", SHAPES)
def test_a_title_neither_runs_into_the_next_panel_nor_leaves_the_figure(width, columns):
    with settings():
        figure, axes = sheet(width, columns)
        for ax in axes:
            panel_title(ax, NAME, f"{LONG}, and more words than any panel has room for", left=0.4)
        assert_apart(figure, axes)


@pytest.mark.parametrize("width, columns", SHAPES)
def test_a_title_over_bars_goes_on_below_its_name(width, columns):
    usable = (width - 2 * MARGIN) / columns - 0.1
    with settings():
        figure, axes = sheet(width, columns)
        for ax in axes:
            title(ax, NAME, LONG, 0.4, 0.0, usable)
        assert_apart(figure, axes)
        if columns * measure(LONG, 7.5) < width - 0.6:
            assert all(LONG in [t.get_text() for t in ax.texts] for ax in axes)  # nothing is lost


def test_a_title_takes_a_second_line_only_where_it_must():
    room = measure(NAME, 8, "bold") + BETWEEN + measure(LONG, 7.5)
    assert (title_lines(NAME, LONG, room), title_lines(NAME, LONG, room - 0.01)) == (1, 2)
    assert LINE > 8 / 72  # a line has room for its text


def test_words_are_shortened_at_commas_first_and_say_so():
    assert shortened(LONG, 7.5, 9) == LONG
    assert shortened(LONG, 7.5, measure(LONG, 7.5) - 0.1) == "1,000 agents, 2 workers, …"
    assert shortened("agents that think", 7.5, measure("agents that …", 7.5)) == "agents that …"
    assert shortened(LONG, 7.5, 0.05) == ""


def test_a_number_and_its_per_cent_stand_in_one_line():
    text = "Black line: 95 % interval"
    width = measure("Black line: 95 %", 7.5) - 0.02
    assert wrap(text, 7.5, width) == ["Black line:", "95 % interval"]
    assert wrap(text, 7.5, 9) == [text]


def test_a_title_that_has_room_is_whole():
    with settings():
        _, axes = sheet(PAGE, 2)
        panel_title(axes[0], "react", "agents that think and use tools", left=0.4)
    assert [t.get_text() for t in axes[0].texts] == ["react", "agents that think and use tools"]


@pytest.mark.parametrize("panels, spans", [(1, True), (2, False), (3, True), (4, False)])
def test_a_last_panel_that_is_alone_in_its_row_has_all_of_it(panels, spans):
    with settings():
        figure, axes = make_sheet(PAGE, "Does it fit?", "So.", "a footer", panels, 1.0, columns=2,
                                  left=0.5, right=0.1)
    right = [ax.get_position().x1 * PAGE for ax in axes]
    assert right[-1] == pytest.approx(PAGE - MARGIN - 0.1)
    wide = axes[-1].get_position().width > 1.5 * axes[0].get_position().width
    assert wide == (spans and panels > 1)
