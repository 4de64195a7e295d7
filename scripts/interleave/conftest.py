"""What must hold before any test runs, and what is made once for all of them?"""

import contextlib
import os
import signal

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes long, and is run by ./scripts/test --full")
    # A shell starts background jobs with SIGINT ignored, children inherit that, and Python then has
    # no KeyboardInterrupt: tests of Ctrl-C would wait for nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if not os.environ.get("INTERLEAVE_FULL"):
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(pytest.mark.skip(reason="only with ./scripts/test --full"))


def made_up(folder, models):
    from interleave import fixtures
    from interleave.chart_data import ChartData
    from interleave.records import read_result
    from interleave.summary import summarise
    result = read_result(fixtures.write_result(folder, models=models))
    return ChartData(result, summarise(result))


def all_drawings(data):
    """Each figure at each width, by (name, width); those that have nothing to show are left out."""
    from interleave.charts import WIDTHS, plans
    from interleave.sheet import NothingToDraw, settings
    drawings = {}
    with settings():
        for width, _ in WIDTHS:
            for _, draw in plans(data):
                with contextlib.suppress(NothingToDraw):
                    drawing = draw(width)
                    drawings[drawing.name, width] = drawing
    return drawings


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The headline models and the reference."""
    return made_up(tmp_path_factory.mktemp("result"), None)


@pytest.fixture(scope="session")
def drawings(data):
    return all_drawings(data)


@pytest.fixture(scope="session")
def every(tmp_path_factory):
    """All models on all rungs."""
    from interleave import fixtures
    return made_up(tmp_path_factory.mktemp("every"), fixtures.EVERY)


@pytest.fixture(scope="session")
def of_every_model(every):
    return all_drawings(every)


@pytest.fixture
def signals_kept():
    """The handlers that a run sets are those of this test alone."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
