"""How is a forecast told, so that nobody takes it for a measurement? Tables, lines and limits."""

from rich import box
from rich.table import Table
from rich.text import Text

from .units import duration, percent, plural, scaled, size, three_digits

# What machines that are rented by the hour usually have.
BYTES_PER_CORE = 4e9
# What a process may start on Linux without raising limits: two mappings each, of 65,530.
USUAL_THREADS = 32_000
LONG = [(86_400e9, "days"), (3_600e9, "h"), (60e9, "min")]
GOOD = 0.1  # a forecast that is no further off


def time_text(ns):
    """As units.duration, and beyond two minutes in the units that people use."""
    if ns < 120e9:
        return duration(ns)
    value, unit = scaled(ns, LONG)
    return f"{three_digits(value)} {unit}"


def span_text(least, most):
    """One time where the two cases say the same."""
    least, most = time_text(least), time_text(most)
    return least if least == most else f"{least} to {most}"


def error_text(error):
    """+3.2 %: the forecast was longer than what was measured."""
    if abs(error) < 0.0005:
        return "0.0 %"
    return f"{error * 100:+.1f} %" if abs(error) < 0.0995 else f"{error * 100:+.0f} %"


def usual_memory(cores):
    return cores * BYTES_PER_CORE


def memory_text(row, target):
    if row.memory_bytes is None:
        return "unknown"
    mark = " !" if row.memory_bytes > usual_memory(target.workers) else ""
    return size(row.memory_bytes) + mark


def checks_on(row, workers):
    return [check for check in row.checks if check.cell.workers == workers]


def worst(row, workers):
    return max(checks_on(row, workers), key=lambda check: abs(check.error), default=None)


def title(target):
    return (f"FORECAST, not measured: {target.scenario}, {plural(target.agents, 'agent')}, "
            f"{plural(target.workers, 'core')}")


# ---- tables ----

def simple_table(heading):
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=heading,
                 title_justify="left", title_style="bold")


def forecast_table(rows, target, workers):
    table = simple_table(title(target))
    table.add_column("model", no_wrap=True)
    for heading in ("forecast:\nat least", "forecast:\nat most", "forecast:\nmemory"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(f"checked here on {plural(workers, 'core')}:\nfurthest off")
    for row in rows:
        furthest = worst(row, workers)
        told = f"{error_text(furthest.error)} in {furthest.scenario}" if furthest else "not checked"
        table.add_row(row.model, time_text(row.least_ns), time_text(row.most_ns),
                      memory_text(row, target), told)
    return table


def scenarios_of(rows):
    """Of the checks, in their order."""
    return list(dict.fromkeys(check.scenario for row in rows for check in row.checks))


def tally(rows, scenario, workers):
    """(models whose forecast was good, models checked)"""
    errors = [c.error for row in rows for c in checks_on(row, workers) if c.scenario == scenario]
    return sum(abs(error) <= GOOD for error in errors), len(errors)


def check_table(rows, workers):
    heading = (f"How far off were the forecasts for {plural(workers, 'core')}, "
               "made from runs on 1 core?")
    table = simple_table(heading)
    table.add_column("model", no_wrap=True)
    names = scenarios_of(rows)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        by_name = {check.scenario: check for check in checks_on(row, workers)}
        table.add_row(row.model, *(entry(by_name.get(name)) for name in names),
                      end_section=row is rows[-1])
    good = [tally(rows, name, workers) for name in names]
    table.add_row("within 10 %", *(f"{some} of {all_}" for some, all_ in good))
    return table


def entry(check):
    if check is None:
        return Text("–", "dim")
    return Text(entry_text(check), "" if abs(check.error) <= GOOD else "red")


def entry_text(check):
    return error_text(check.error) + ("*" if check.smaller else "")


def cost_table(rows):
    table = simple_table("What the forecast is made of: measured on 1 core")
    table.add_column("model", no_wrap=True)
    for heading in ("a turn", "each turn\nbefore it", "to begin\na wait", "to end\nit",
                    "wakes\nlate by", "memory of an\nagent that waits"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        costs = row.costs
        each = costs.bytes_per_agent
        times = (costs.turn_ns, costs.edge_ns, costs.begin_wait_ns, costs.end_wait_ns,
                 costs.late_ns)
        table.add_row(row.model, *(duration(ns) for ns in times),
                      "unknown" if each is None else size(each))
    return table


# ---- lines ----

def plain_lines(row, target, workers):
    costs = row.costs
    yield (f"{row.model}: forecast for {plural(target.workers, 'core')}: "
           f"{span_text(row.least_ns, row.most_ns)}, memory {memory_text(row, target)}")
    for count in workers:
        told = ", ".join(f"{check.scenario} {entry_text(check)}" for check in checks_on(row, count))
        yield f"{row.model}: forecasts for {plural(count, 'core')} were off by: {told}"
    memory = "unknown" if costs.bytes_per_agent is None else size(costs.bytes_per_agent)
    yield (f"{row.model}: measured on 1 core: set-up {duration(costs.setup_ns)}, "
           f"a turn {duration(costs.turn_ns)}, each turn before it {duration(costs.edge_ns)}, "
           f"to begin a wait {duration(costs.begin_wait_ns)}, "
           f"to end it {duration(costs.end_wait_ns)}, late by {duration(costs.late_ns)}, "
           f"memory of an agent that waits {memory}")


def tally_lines(rows, workers):
    for count in workers:
        for name in scenarios_of(rows):
            some, all_ = tally(rows, name, count)
            yield (f"{name}: forecasts for {plural(count, 'core')} within 10 %: "
                   f"{some} of {plural(all_, 'model')}")


# ---- notes ----

def assumption_note(rows):
    text = ("At least: what a model takes for itself (its turns, its timers) divides among the "
            "cores. At most: only one core at a time has it, as with one loop or one lock. Runs on "
            "1 core cannot tell which; the checks take the second case.")
    told = [(row, check) for row in rows for check in row.checks
            if check.forecast_ns > 1.05 * check.divided_ns]
    if told:
        nearer = [abs(check.measured_ns - check.forecast_ns)
                  <= abs(check.measured_ns - check.divided_ns) for _, check in told]
        text += (f" Where the two differ by over 5 % on {plural(told[0][1].cell.workers, 'core')}, "
                 f"what was measured was nearer to it {sum(nearer)} of {len(nearer)} times.")
    return text


def reading_note():
    return ("A forecast that is off on 1 core already: turns and waits cost something else there "
            "than in the runs that told what they cost. One that is off on 2 only: the cores got "
            "into each other's way, or helped each other, which no run on 1 shows.")


def computing_note(unit_ns, unit_ns_of_two):
    text = ("Computing is counted at what it costs a core that computes alone. Cores share caches "
            "and memory, so on many it costs more than is forecast.")
    changes = [unit_ns_of_two[kernel] / unit_ns[kernel] - 1 for kernel in unit_ns
               if kernel in unit_ns_of_two]
    if changes:
        text += (f" Here it was {error_text(min(changes))} to {error_text(max(changes))} when 2 "
                 "cores did so at once.")
    return text


def distance_note(target, most_workers):
    from .forecast_costs import MANY
    steps = [f"{many / few:,.0f} times the {few:,} {what}" for many, few, what in (
        (target.workers, most_workers, f"{'core' if most_workers == 1 else 'cores'} of the checks"),
        (target.agents, MANY[0].agents, "agents of the largest run")) if many > few]
    if not steps:
        return "It is no larger than what was measured here."
    return (f"It reaches far: {' and '.join(steps)}. Nothing was measured in between, and what "
            "grows with size, such as lists, caches and limits, is not in it.")


def memory_note(rows, target):
    text = ("Memory: all agents wait at the same time; the graph itself and what the program has "
            "before it starts are not in it.")
    over = [row.model for row in rows
            if row.memory_bytes and row.memory_bytes > usual_memory(target.workers)]
    if over:
        text += (f" ! {', '.join(over)}: more than the {size(usual_memory(target.workers))} that "
                 f"{plural(target.workers, 'core')} usually come with, 4 GB each.")
    return text


def thread_note(rows, target):
    names = [row.model for row in rows if row.structure == "thread_per_turn"]
    if not names or target.agents <= USUAL_THREADS:
        return None
    return (f"{', '.join(names)}: an agent that waits is a thread, and Linux allows a process "
            f"about {USUAL_THREADS:,} unless its limits are raised. No forecast knows of limits.")


def size_note(rows):
    small = dict.fromkeys(f"{check.cell.scenario} {plural(check.cell.agents, 'agent')}"
                          for row in rows for check in row.checks if check.smaller)
    if not small:
        return None
    return ("* checked with fewer agents, for the others would take too long: "
            f"{', '.join(small)}.")


def scale_note(target):
    if target.time_scale == 1:
        return None
    return (f"Waits last 1/{1 / target.time_scale:g} of real time, as in every scenario, and the "
            "computing that belongs to them; what a model takes for itself does not shrink.")


def notes(rows, target, told, unit_ns, unit_ns_of_two, most_workers):
    check = None if most_workers > 1 else (
        "This machine has one core, so forecasts for 2 could not be checked.")
    ideal = (f"A scheduler without any cost of its own would take {time_text(told['greedy_ns'])} "
             "there, by the same simulation.")
    return [note for note in (
        check, ideal, assumption_note(rows), reading_note(),
        computing_note(unit_ns, unit_ns_of_two), distance_note(target, most_workers),
        memory_note(rows, target), thread_note(rows, target), scale_note(target),
        size_note(rows)) if note]


def tell(session, rows, target, workers, texts):
    """As tables on a terminal, else line by line."""
    console = session.console
    if console.is_terminal and not console.is_dumb_terminal:
        console.print(forecast_table(rows, target, workers[-1]))
        for count in reversed(workers):
            console.print(check_table(rows, count))
        console.print(cost_table(rows))
        for text in texts:
            console.print(Text(f"· {text}", "dim"))
        return
    session.say(title(target))
    for row in rows:
        for line in plain_lines(row, target, workers):
            session.say(line)
    for line in tally_lines(rows, workers):
        session.say(line)
    for text in texts:
        session.say(text)
