"""The page of a result as the suite writes it, for tests: from figures at its width alone."""

from . import charts, report, result_page


def drawn_page(result, summary, folder, only=None):
    """(the page, what was drawn), with all figures or some; the drawings go into the folder."""
    drawn, left_out = charts.draw_all(result, summary, folder, only, [(charts.PAGE, "")], ["svg"])
    texts = result_page.texts(result.manifest, summary, left_out)
    drawings = {d["name"]: (folder / f"{d['name']}.svg").read_text() for d in drawn}
    return report.page(result.manifest, summary, drawn, texts, drawings), drawn
