"""How much memory did a run add? Its own, and what the kernel keeps for its threads."""

# From so many threads on, what they keep in the kernel's slab stands out of the megabytes by which
# the slab of a whole machine moves by itself.
MANY_THREADS = 1000


def own_memory(sample):
    """Bytes that the run added: resident pages, the tables that map them, and of its threads the
    kernel's stacks and, where there are many, its other objects. None where it is not known."""
    resident = _grown(sample, "vmhwm_bytes", "rss_before_bytes")
    if resident is None:
        return None
    kernel = [_grown(sample, "page_tables_peak_bytes", "page_tables_before_bytes"),
              _grown(sample, "kernel_stacks_peak_bytes", "kernel_stacks_before_bytes")]
    if (sample.get("threads_peak") or 0) >= MANY_THREADS:
        kernel.append(_grown(sample, "slab_peak_bytes", "slab_before_bytes"))
    return resident + sum(grown or 0 for grown in kernel)


def _grown(sample, peak, before):
    if sample.get(peak) is None or sample.get(before) is None:
        return None
    return sample[peak] - sample[before]
