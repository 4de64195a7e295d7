"""Whose is each part of a figure? Names the groups of an SVG by model and by scenario.

A page shows or hides a model by all groups `model-NAME-k`, a scenario by `panel-SCENARIO-k`; k runs
on through the figure, so that no id is there twice. What is not of one model has no such name.
"""

import re
from contextlib import contextmanager


@contextmanager
def belongs_to(ax, model):
    """All that is drawn into `ax` meanwhile is the model's, save what is already somebody's."""
    before = {id(artist) for artist in ax.get_children()}
    yield
    for artist in ax.get_children():
        if id(artist) not in before and not artist.get_gid():
            give(model, artist)


def give(model, *artists):
    """These are the model's: an annotation with its leader line, a name at a tick."""
    for artist in artists:
        leader = getattr(artist, "arrow_patch", None)
        for part in (artist, leader) if leader is not None else (artist,):
            part.set_gid(f"model-{slug(model)}-{_next(part)}")


def panel_of(ax, scenario):
    """This panel is of one scenario."""
    ax.set_gid(f"panel-{slug(scenario)}-{_next(ax)}")


def slug(name):
    """As it may stand in an id: other characters than letters, digits, `_`, `.` as one dash."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name)


def _next(artist):
    figure = artist.figure
    figure.groups_named = getattr(figure, "groups_named", 0) + 1
    return figure.groups_named
