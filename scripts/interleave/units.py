"""How is a number written for a person? Durations, bytes, counts and shares, three digits each."""


def three_digits(value):
    """Three significant digits without an exponent: 0.0123, 1.23, 12.3, 123, 1,230."""
    if value == 0:
        return "0"
    size = abs(value)
    decimals = 0
    while size < 99.95 and decimals < 9:
        size *= 10
        decimals += 1
    return f"{value:,.{decimals}f}"


def scaled(value, steps):
    """The value and the largest unit of `steps` (size, name) in which it is at least one."""
    for size, name in steps:
        if abs(value) >= size * 0.9995:
            return value / size, name
    size, name = steps[-1]
    return value / size, name


DURATIONS = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")]
BYTES = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")]


def duration(ns):
    value, unit = scaled(ns, DURATIONS)
    return f"{three_digits(value)} {unit}"


def size(count):
    value, unit = scaled(count, BYTES)
    return f"{three_digits(value)} {unit}"


def tick(words, value):
    """A round number on an axis: 10 s, not 10.0 s."""
    number, unit = words(value).split(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def round_number(value):
    """A number on a linear axis whose steps are round: 0, 0.25, 1,000."""
    return f"{value:,.6g}"


def percent(share):
    """Whole per cent; one decimal below ten, so that 0.4 % is not 0 %."""
    return f"{share * 100:.0f} %" if abs(share) >= 0.0995 else f"{share * 100:.1f} %"


def small_percent(share):
    """Three digits of what may be next to nothing, as long as it is something."""
    if 0 < share < 1e-5:
        return "< 0.001 %"
    return f"{three_digits(share * 100)} %" if 0 < share < 0.0995 else percent(share)


def plural(count, noun, ending="s"):
    return f"{count:,} {noun}{'' if count == 1 else ending}"


def exact_percent(share):
    """A limit or a setting, as it was chosen: 0.5 %, 3 %, 12.5 %."""
    return f"{share * 100:g} %"


def signed_percent(ratio, decimals):
    """By how much it is off 1: +1.2 %, −0.3 %, 0 %."""
    percent = round((ratio - 1) * 100, decimals)
    return f"{'+' if percent > 0 else '−' if percent < 0 else ''}{abs(percent):g} %"


def gibibytes(count):
    return f"{count / 2**30:.1f} GiB"


def span(counts):
    """What all of them are, or the least and the greatest: 15, 6 to 15."""
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least} to {most}"
