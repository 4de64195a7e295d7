"""How is the mock LLM offered by itself? On a port, with lines to try it, until told to stop."""

import json

from .endpoint import PATH, MockLlm
from .process import interruption_deferred
from .trouble import Trouble
from .units import plural

ROOM = 1_000_000  # in the queue: nobody is to be sent away
QUESTION = {"messages": [{"role": "user", "content": "hello"}]}


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
    """In a sentence, what its callers meet."""
    parts = [f"A first token comes after {milliseconds(options.first)} ms, "
             f"the next each {milliseconds(options.gap)} ms later"]
    if options.rate is not None:
        parts.append(f"at most {plural(options.rate, 'call')} a second")
    if options.in_flight is not None:
        parts.append(f"at most {plural(options.in_flight, 'call')} at once, and others wait")
    parts.append(f"faults: {options.faults or 'none'}")
    return "; ".join(parts) + "."


def command_for(url, question, *flags):
    """A line to be typed; JSON has no single quotes that could end it early."""
    return " ".join(["curl", *flags, url, "-d", f"'{json.dumps(question)}'"])


def tell(session, endpoint, options):
    url = endpoint.url(PATH)
    stream = QUESTION | {"stream": True, "max_tokens": 20}
    for line in (
            f"The mock LLM listens on {endpoint.url()}, for this machine only.",
            behaviour(options), "",
            "From another terminal, an answer in one piece and one token by token:",
            f"    {command_for(url, QUESTION)}",
            f"    {command_for(url, stream, '-N')}",
            f"Clients of OpenAI's take {endpoint.url('/v1')} as their base URL, with any key.",
            f"What it has done so far: {endpoint.url('/stats')}", "",
            "Ctrl-C stops it."):
        session.say(line)


def serve_until_told(session, options):
    """Ends by an interruption only: that is how it is stopped."""
    with MockLlm(session.executables.path("mock_llm"), flags_of(options)) as endpoint:
        with interruption_deferred():  # in the middle of a line, it would be printed twice
            tell(session, endpoint, options)
        raise Trouble(f"the mock LLM ended by itself: {endpoint.how_it_ended()}")
