"""What does a model look like? Its colour, marker, dash and label: here and nowhere else."""

from dataclasses import dataclass
from zlib import crc32

# Okabe & Ito (2008): told apart with every common kind of colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

INK = "#222222"  # text
QUIET = "#666666"  # text that may be skipped, and reference lines
BOUND_FILL = "#E4E4E4"  # what no machine can reach
IDEAL = {"color": "#404040", "ls": (0, (4, 2)), "lw": 0.8}  # line of the ideal scheduler


@dataclass(frozen=True)
class Style:
    colour: str
    marker: str
    dash: tuple | str
    label: str

    @property
    def ink(self):
        """The colour, dark enough to be read as text on white."""
        return mix(self.colour, "#000000", 0.25)

    def tint(self, amount):
        return mix(self.colour, "#FFFFFF", amount)


KNOWN = {
    "sequential": Style(BLACK, "s", (0, (1, 1)), "sequential"),
    "threads": Style(VERMILION, "^", (0, (5, 1.5)), "threads"),
    "libuv": Style(GREEN, "D", (0, (3, 1, 1, 1)), "libuv"),
    "asio": Style(BLUE, "o", "-", "asio"),
    "tbb": Style(PURPLE, "v", (0, (7, 1.5, 1, 1.5)), "tbb"),
}

# For models that this file has never heard of.
SPARE_COLOURS = [ORANGE, SKY, "#882255", "#999933", "#44AA99"]
SPARE_MARKERS = ["P", "X", "*", "p", "h", "<", ">", "d"]
SPARE_DASHES = [(0, (4, 1, 1, 1, 1, 1)), (0, (2, 1)), (0, (6, 1)), (0, (1, 2))]

# How scenarios are ordered and what a stranger should think of; one without words has its name.
SCENARIOS = {
    "pizza": "three waits side by side",
    "pizza-chain": "three waits in a row",
    "fanout": "all agents at once, then a join",
    "layers": "layers of agents, a barrier after each",
    "react": "agents that think and use tools",
    "debate": "agents that wait for their neighbours",
    "chat": "many chats, turns one after another",
    "compute": "computing only, no waits",
    "parked": "agents that only wait",
}


def mix(colour, other, amount):
    """`colour` moved by `amount` (0 to 1) towards `other`; both as #RRGGBB."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * amount):02X}" for a, b in pairs)


def styles(models):
    """A style for each model; `models` maps names to families.

    A model not in the table starts from a hash of its name, so that it looks the same in every
    result, and steps on only where another unknown model of this result holds that place. A variant
    of a known family has the family's colour with a marker and dash of its own.
    """
    result = {name: KNOWN[name] for name in models if name in KNOWN}
    taken_colours, taken_markers = set(), set()
    for name in sorted(set(models) - set(KNOWN)):
        seed = crc32(name.encode())
        marker = _free(SPARE_MARKERS, seed, taken_markers)
        dash = SPARE_DASHES[SPARE_MARKERS.index(marker) % len(SPARE_DASHES)]
        family = KNOWN.get(models[name])
        colour = family.colour if family else _free(SPARE_COLOURS, seed, taken_colours)
        result[name] = Style(colour, marker, dash, name)
    return result


def _free(choices, seed, taken):
    ordered = [choices[(seed + i) % len(choices)] for i in range(len(choices))]
    choice = next((c for c in ordered if c not in taken), ordered[0])
    taken.add(choice)
    return choice


def model_order(name):
    """Sort key: the suite's own models in their fixed order, then the others by name."""
    known = list(KNOWN)
    return (known.index(name) if name in KNOWN else len(known), name)


def scenario_order(name):
    known = list(SCENARIOS)
    return (known.index(name) if name in SCENARIOS else len(known), name)
