"""How much memory did a run add? Its own, and what the kernel keeps for its threads."""

# From so many threads on, what they keep in the kernel's slab stands out of the megabytes by which
# the slab of a whole machine moves by itself. No cell's size is near it: the samples of one cell
# are counted in one way.
MANY_THREADS = 500


def has_many_threads(sample):
    return (sample.get("threads_peak") or 0) >= MANY_THREADS


def own_memory(sample, of_many_threads=None):
    """Bytes that the run added: resident pages, the tables that map them, and of its threads the
    kernel's stacks and, where there are many, its other objects. None where it is not known.

    of_many_threads: for a comparison of samples, which must be counted in one way; by default the
    sample's own threads decide."""
    if of_many_threads is None:
        of_many_threads = has_many_threads(sample)
    resident = _grown(sample, "vmhwm_bytes", "rss_before_bytes")
    tables = _grown(sample, "page_tables_peak_bytes", "page_tables_before_bytes")
    stacks = _grown(sample, "kernel_stacks_peak_bytes", "kernel_stacks_before_bytes")
    slab = _grown(sample, "slab_peak_bytes", "slab_before_bytes")
    # Of a few threads the kernel's part is too little to matter, of many it is most.
    if resident is None or of_many_threads and None in (stacks, slab):
        return None
    return resident + (tables or 0) + (stacks or 0) + (slab if of_many_threads else 0)


def _grown(sample, peak, before):
    if sample.get(peak) is None or sample.get(before) is None:
        return None
    return sample[peak] - sample[before]
