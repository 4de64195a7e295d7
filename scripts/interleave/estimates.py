"""How does an estimate stand in a summary? As plain numbers, rounded: identical bytes."""

from . import stats


def estimated(values, whole=False):
    """Median and interval of the values; None where there is none. whole: to whole numbers."""
    e = stats.estimate(values)
    if e is None:
        return None

    def shown(x):
        return round(x) if whole and x is not None else six_digits(x)

    return {"n": e.n, "median": shown(e.median), "low": shown(e.low), "high": shown(e.high),
            "coverage": None if e.coverage is None else round(e.coverage, 4)}


def six_digits(x):
    return None if x is None else float(f"{x:.6g}")


def rounded_ratio(ratio):
    """The median of a stats.Ratio and its interval."""
    return {key: six_digits(getattr(ratio, key)) for key in ("median", "low", "high")}
