"""How is a comparison of two times written? Its ratio, interval, p, and what it could have seen."""


def ratio_words(ratio):
    """A ratio near 1 needs its decimals, a large one none."""
    return f"{ratio:,.{3 if ratio < 1.0995 else 2 if ratio < 9.95 else 1 if ratio < 99.5 else 0}f}"


def interval_words(median, low, high, to="–"):
    """As precise as the ratio itself."""
    if low is None:
        return "–"
    decimals = len(ratio_words(median).partition(".")[2])
    return f"{low:,.{decimals}f}{to}{high:,.{decimals}f}"


def p_words(p):
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.{3 if p < 0.0995 else 2}f}"


def change_words(detectable):
    return "nothing" if detectable is None else f"{max(detectable - 1, 0.0001) * 100:.2g} %" \
        if detectable < 1.995 else f"{detectable:.1f}×"


def margin_words(margin):
    """Within which two times count as alike."""
    return f"{margin * 100:.3g} %"
