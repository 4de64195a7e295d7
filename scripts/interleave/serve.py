"""How is the mock LLM offered by itself? On a port, with lines to try it, until told to stop."""

from .endpoint import PATH, MockLlm
from .process import interruption_deferred
from .trouble import Trouble
from .units import plural

ROOM = 1_000_000  # in the queue: nobody is to be sent away


def milliseconds(seconds):
    return f"{seconds * 1e3:g}"


def flags_of(options):
    """Of mock_llm; what a person left out is left to it."""
    flags = ["--first-ms", milliseconds(options.first), "--gap-ms", milliseconds(options.gap)]
    for name, value in (("--port", options.port), ("--faults", options.faults),
                        ("--rate", options.rate), ("--burst", options.rate),
                        ("--in-flight", options.in_flight),
                        ("--queue", options.in_flight and ROOM)):
        if value is not None:
            flags += [name, str(value)]
    return flags


def behaviour(options):
    """What its callers meet, a line each."""
    lines = [f"A first token comes after {milliseconds(options.first)} ms, "
             f"the next each {milliseconds(options.gap)} ms later."]
    if options.rate is not None:
        lines.append(f"At most {plural(options.rate, 'call')} a second; others get a 429.")
    if options.in_flight is not None:
        lines.append(f"At most {plural(options.in_flight, 'call')} at once; others wait.")
    lines.append(f"Faults: {options.faults or 'none'}.")
    return lines


def commands(url):
    """To be typed as they stand: JSON has no single quotes that could end it early."""
    question = '"messages": [{"role": "user", "content": "hello"}]'
    return ["An answer in one piece, from another terminal:",
            f"    curl {url} \\",
            f"        -d '{{{question}}}'",
            "And token by token:",
            f"    curl -N {url} \\",
            '        -d \'{"stream": true, "max_tokens": 20,',
            f"             {question}}}'"]


def tell(session, endpoint, options):
    for line in (
            f"The mock LLM listens on {endpoint.url()}, for this machine only.",
            *behaviour(options), "", *commands(endpoint.url(PATH)), "",
            f"Clients of OpenAI's need {endpoint.url('/v1')} as base URL, and any key.",
            f"What it has done so far: {endpoint.url('/stats')}", "",
            "Ctrl-C stops it."):
        session.say(line)


def serve_until_told(session, options):
    """Ends by an interruption only: that is how it is stopped."""
    with MockLlm(session.executables.path("mock_llm"), flags_of(options)) as endpoint:
        with interruption_deferred():  # in the middle of a line, it would be printed twice
            tell(session, endpoint, options)
        raise Trouble(f"the mock LLM ended by itself: {endpoint.how_it_ended()}")
