"""Where do the labels at the ends of lines go, so that none lies on another?"""

from .groups import give


def spread(wanted, gap, low, high):
    """Positions as close to `wanted` (least squares) as `gap` apart and within [low, high] allow.

    The order of equal wishes is their order in the list. Too many labels for the room share it
    evenly, closer than `gap`.
    """
    n = len(wanted)
    if n == 0:
        return []
    if (n - 1) * gap > high - low:
        gap = (high - low) / (n - 1)
    order = sorted(range(n), key=lambda i: (wanted[i], i))
    # Less i gaps each, "apart by a gap" turns into "not falling": pool adjacent violators.
    pools = []
    for rank, i in enumerate(order):
        pools.append([wanted[i] - rank * gap, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, na), (b, nb) = pools[-2], pools.pop()
            pools[-1] = [(a * na + b * nb) / (na + nb), na + nb]
    flat = [mean for mean, count in pools for _ in range(count)]
    top = high - (n - 1) * gap
    placed = [0.0] * n
    for rank, i in enumerate(order):
        placed[i] = min(max(flat[rank], low), top) + rank * gap
    return placed


def label_line_ends(ax, ends, size=7.5, gap_points=9.0):
    """Writes names right of the axes, each tied by a hair line to the end of its line.

    `ends`: (x, y, text, look of its model), x and y in data units; limits and scales must be final.
    Returns the texts.
    """
    if not ends:
        return []
    points = 72 / ax.figure.dpi
    box = ax.get_window_extent()
    wanted = [ax.transData.transform((x, y))[1] * points for x, y, _, _ in ends]
    low, high = box.y0 * points + size / 2, box.y1 * points
    texts = []
    for (x, y, text, look), at in zip(ends, spread(wanted, gap_points, low, high)):
        height = (at / points - box.y0) / box.height
        tie = ax.annotate("", xy=(x, y), xytext=(1.0 + 7 / (box.width * points), height),
                          xycoords="data", textcoords=ax.transAxes, annotation_clip=False,
                          arrowprops={"arrowstyle": "-", "lw": 0.5, "color": look.ink,
                                      "alpha": 0.6, "shrinkA": 0, "shrinkB": 3})
        texts.append(ax.text(1.0 + 9 / (box.width * points), height, text, color=look.ink,
                             size=size, transform=ax.transAxes, va="center_baseline", ha="left",
                             clip_on=False))
        give(look.model, tie, texts[-1])
    return texts
