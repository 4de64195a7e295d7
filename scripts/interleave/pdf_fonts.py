"""Which parts of a font does a PDF hold? The outlines of its letters, and no rules of shaping.

Where each letter stands is settled when the figure is drawn. To cut the rules of ligatures and of
kerning down to the letters in use takes most of the time of writing a PDF, and nobody reads them.
"""

from contextlib import contextmanager

from fontTools import subset

SHAPING = ["GDEF", "GPOS", "GSUB", "kern"]


@contextmanager
def outlines_only():
    """Matplotlib has no setting for it: meanwhile fontTools drops these tables unless told not to.
    A fontTools without this list writes larger files, and no other."""
    known = getattr(subset.Options, "_drop_tables_default", None)
    if known is None:
        yield
        return
    subset.Options._drop_tables_default = [*known, *SHAPING]
    try:
        yield
    finally:
        subset.Options._drop_tables_default = known
