"""What must hold before any test runs?"""

import signal


def pytest_configure():
    # A shell starts background jobs with SIGINT ignored, children inherit that, and Python then has
    # no KeyboardInterrupt: tests of Ctrl-C would wait for nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
