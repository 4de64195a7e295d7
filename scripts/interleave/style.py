"""What does a model look like? Its colour, marker, dash and label: here and nowhere else.

Colour is the family, mark and dash the rung: learnt once, read everywhere.
"""

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
    label: str  # the name; with the rung, where the name does not tell it
    model: str = ""

    @property
    def ink(self):
        """The colour, dark enough to be read as text on white."""
        return mix(self.colour, "#000000", 0.25)

    def tint(self, amount):
        return mix(self.colour, "#FFFFFF", amount)


# A model that bears its family's name has the family's own look. The order is that of every table.
FAMILIES = {
    "sequential": (BLACK, "s", (0, (1, 1))),
    "threads": (VERMILION, "^", (0, (5, 1.5))),
    "libuv": (GREEN, "D", (0, (3, 1, 1, 1))),
    "asio": (BLUE, "o", "-"),
    "tbb": (PURPLE, "v", (0, (7, 1.5, 1, 1.5))),
    "hybrid": (ORANGE, "h", (0, (6, 1))),
    "fiber": ("#882255", "p", (0, (2, 1))),
    "openmp": ("#999933", "<", (0, (4, 1, 1, 1, 1, 1))),
    "std_async": ("#44AA99", ">", (0, (3, 1.5))),
}
# Another language, for comparison: always in this colour.
REFERENCE = (SKY, "P", (0, (8, 1, 1, 1, 1, 1)))
# The other rungs of a family have its colour, and everywhere the mark and dash of the rung.
RUNGS = {"naive": ("X", (0, (1, 1.8))), "idiomatic": None, "tuned": ("*", (0, (10, 1.5))),
         "reference": None}
RUNG_WORDS = {"naive": "cross: naive", "tuned": "star: tuned"}
# Several models on one rung of a family are told apart by these.
SIBLINGS = {"asio_offload": ("d", (0, (2, 1.2))), "asio_callbacks": ("h", (0, (4, 1.2)))}

# For models that this file has never heard of.
SPARE_COLOURS = ["#661100", "#332288", "#117733", "#DDCC77", "#AA4499"]
SPARE_MARKERS = ["p", "H", "8", "h", "<", ">", "d", "^"]
SPARE_DASHES = [(0, (4, 1, 1, 1, 1, 1)), (0, (2, 1)), (0, (6, 1)), (0, (1, 2))]

# How scenarios are ordered and what a stranger should think of; one without words has its name.
SCENARIOS = {
    "pizza": "three waits side by side",
    "pizza-chain": "three waits in a row",
    "fanout": "all agents at once, then a join",
    "as-completed": "each result is used as it arrives",
    "layers": "layers of agents, a barrier after each",
    "react": "agents that think and use tools",
    "debate": "agents that wait for their neighbours",
    "chat": "many chats, turns one after another",
    "tree": "teams of teams, joined upwards",
    "blocking-tool": "some tools hold their thread",
    "cpu-heavy": "now and then a long computation",
    "open-loop": "sessions arrive at a given rate",
    "compute": "computing only, no waits",
    "parked": "agents that only wait",
    "empty": "turns with nothing to do",
    "cascade": "messages that cause messages",
    "grain": "small pieces of computing, no waits",
    "grain-waits": "small pieces of computing, with waits",
    "faulty": "agents on an ordinary day: some calls fail",
    "storm": "agents in a storm of faults",
    "rate-limit": "calls that share a limit",
    "first-k": "teams race, the first quarter wins",
    "stream": "answers that come token by token",
    "calls": "calls that are answered at once",
    "connect": "the same, a connection for each",
}


def mix(colour, other, amount):
    """`colour` moved by `amount` (0 to 1) towards `other`; both as #RRGGBB."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * amount):02X}" for a, b in pairs)


def styles(models):
    """A style for each model; `models`: what each says of itself (model, family, rung).

    A model not known here starts from a hash of its name, so that it looks the same in every
    result, and steps on only where another unknown model of this result holds that place.
    """
    result, colours, marks = {}, set(), {}
    for said in sorted(models, key=model_order):
        name, family, rung = said["model"], said.get("family") or said["model"], said.get("rung")
        seed = crc32(name.encode())
        taken = marks.setdefault(rung if rung == "reference" else family, set())
        if rung == "reference":
            colour, marker, dash = REFERENCE
        elif family in FAMILIES:
            colour, marker, dash = FAMILIES[family]
        else:
            colour, marker = _free(SPARE_COLOURS, crc32(family.encode()), colours), "o"
            dash = SPARE_DASHES[seed % len(SPARE_DASHES)]
        if name != family:
            marker, dash = SIBLINGS.get(name) or RUNGS.get(rung) or (None, None)
        if marker is None or marker in taken:
            marker = _free(SPARE_MARKERS, seed, taken)
            dash = SPARE_DASHES[SPARE_MARKERS.index(marker) % len(SPARE_DASHES)]
        taken.add(marker)
        result[name] = Style(colour, marker, dash, label(said), name)
    return result


def label(said):
    name, rung = said["model"], said.get("rung")
    told = not rung or rung == "idiomatic" or rung in name.split("_")
    return name if told else f"{name} ({rung})"


def rung_words(models):
    """What the marks of rungs mean, where models with such a mark are among these."""
    rungs = {m.get("rung") for m in models if m["model"] != m.get("family")}
    words = [RUNG_WORDS[rung] for rung in RUNG_WORDS if rung in rungs]
    return f"Of a family's colour, {', '.join(words)}." if words else ""


def _free(choices, seed, taken):
    ordered = [choices[(seed + i) % len(choices)] for i in range(len(choices))]
    choice = next((c for c in ordered if c not in taken), ordered[0])
    taken.add(choice)
    return choice


def model_order(said):
    """Sort key: families in their fixed order, up the rungs in each; references last."""
    name, family, rung = said["model"], said.get("family") or said["model"], said.get("rung")
    families, rungs = list(FAMILIES), list(RUNGS)
    return (rung == "reference",
            families.index(family) if family in FAMILIES else len(families), family,
            rungs.index(rung) if rung in RUNGS else len(rungs), name != family, name)


def scenario_order(name):
    known = list(SCENARIOS)
    return (known.index(name) if name in SCENARIOS else len(known), name)
