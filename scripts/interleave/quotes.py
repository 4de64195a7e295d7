"""Which lines of which files does a text quote, and are they still there?

A quote stands in a fenced block after a line that names its file: `// models/NAME.cpp`, or
`# models/NAME.py`. It is verbatim but for its indentation.
"""

import re
import textwrap

FENCE = re.compile(r"^```[^`\n]*\n(.*?)^```$", re.M | re.S)  # of whatever language
SOURCE = re.compile(r"^(?://|#) ((?:models|bench)/\S+)\n", re.M)


def quotes_in(text):
    """[(path of the file, quoted lines)], in their order; lines before a file is named are nobody's
    and come with None."""
    found = []
    for fence in FENCE.findall(text):
        before, *parts = SOURCE.split(fence)
        if before.strip():
            found.append((None, before.strip("\n")))
        found += [(path, quote.strip("\n")) for path, quote in zip(parts[::2], parts[1::2])]
    return found


def stands_in(quote, text):
    """Whether these lines follow each other in the text, at whatever indentation. No line is no
    quote."""
    if not quote.strip():
        return False
    wanted, lines = quote.splitlines(), text.splitlines()
    for first in range(len(lines) - len(wanted) + 1):
        piece = "\n".join(lines[first:first + len(wanted)])
        if textwrap.dedent(piece).splitlines() == wanted:
            return True
    return False
