"""What law does a speed follow as workers are added? Gunther's Universal Scalability Law, fitted.

    X(n) = n l / (1 + s (n - 1) + k n (n - 1))

X: work done in a unit of time by n workers; l: by one; s: the share that queues for something
shared (Amdahl's serial share); k: the cost of agreeing, which each pair of workers pays, and which
makes more workers slower from some number on. N. J. Gunther, Guerrilla Capacity Planning, Springer
2007, chapters 4 and 5.
"""

from dataclasses import dataclass
from itertools import product

import numpy

# Three parameters, and one number of workers more, so that the law could have been wrong.
FEWEST_COUNTS = 4


@dataclass(frozen=True)
class Law:
    l: float
    s: float
    k: float

    def speed(self, n):
        return n * self.l / (1 + self.s * (n - 1) + self.k * n * (n - 1))

    def best_count(self):
        """The number of workers from which on more are slower; None where there is none."""
        return ((1 - self.s) / self.k) ** 0.5 if self.k > 0 and self.s < 1 else None


def fit(points):
    """points: (workers, speed), one for each measured number of workers or more. Returns the law
    and None, or None and why there is none."""
    counts = {n for n, _ in points}
    if len(counts) < FEWEST_COUNTS:
        return None, (f"a scaling law is fitted from {_in_words(FEWEST_COUNTS)} numbers of workers "
                      "on")
    if any(n < 1 or not x > 0 for n, x in points):
        return None, "a speed or a number of workers is not positive"
    return _least_squares(points)


def _least_squares(points):
    """Linear in (1, s, k) / l, since n / X(n) = (1 + s (n - 1) + k n (n - 1)) / l.

    Each equation is divided by its left side: speeds vary by a share of themselves. s and k may not
    be negative: of the four ways in which each is free or zero, the allowed one that fits best is
    the optimum, because the problem is convex.
    """
    n = numpy.array([float(n) for n, _ in points])
    time = n / numpy.array([float(x) for _, x in points])
    columns = numpy.stack([numpy.ones_like(n), n - 1, n * (n - 1)], axis=1) / time[:, None]
    best = None
    for free in product((True, False), repeat=2):
        used = [0] + [i + 1 for i in range(2) if free[i]]
        found, *_ = numpy.linalg.lstsq(columns[:, used], numpy.ones_like(n), rcond=None)
        values = numpy.zeros(3)
        values[used] = found
        error = float(numpy.sum((columns @ values - 1) ** 2))
        if values[0] > 0 and min(values) >= 0 and (best is None or error < best[0]):
            best = error, values
    if best is None:
        return None, "no scaling law fits"
    one, s, k = map(float, best[1])
    return Law(1 / one, s / one, k / one), None


def _in_words(count):
    return {3: "three", 4: "four", 5: "five"}.get(count, str(count))
