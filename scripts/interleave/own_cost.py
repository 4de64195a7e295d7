"""What does measuring cost beside what is measured? The runner watches itself."""

import re
import time

from .guards import text_of


class OwnCost:
    """From its making on; asked before anything is drawn."""

    def __init__(self):
        self.wall, self.cpu = time.monotonic_ns(), time.process_time_ns()

    def so_far(self, processes_ns, canary_ns):
        return {"wall_ns": time.monotonic_ns() - self.wall, "processes_ns": processes_ns,
                "canary_ns": canary_ns, "cpu_ns": time.process_time_ns() - self.cpu,
                "peak_rss_bytes": peak_rss_bytes()}


def peak_rss_bytes():
    """Not ru_maxrss: that begins with the peak of whoever started this process."""
    match = re.search(r"^VmHWM:\s+(\d+) kB", text_of("/proc/self/status"), re.M)
    return int(match.group(1)) * 1024 if match else None


def share(runner):
    """Of the wall time what was neither a measured process nor a canary; None: not known."""
    parts = [(runner or {}).get(name) for name in ("wall_ns", "processes_ns", "canary_ns")]
    if None in parts or not parts[0]:
        return None
    wall, processes, canaries = parts
    return (wall - processes - canaries) / wall


def own_cost_words(manifest):
    """One line; nothing where it is not known."""
    runner = manifest.get("runner")
    own = share(runner)
    if own is None:
        return ""
    peak = runner.get("peak_rss_bytes")
    memory = f", {peak / 1e6:.0f} MB at most" if peak else ""
    return (f"Beside what it measured the runner took {own:.1%} of the time{memory}; "
            f"the canaries {runner['canary_ns'] / runner['wall_ns']:.1%}.").replace("%", " %")
