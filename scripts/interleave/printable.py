"""How is other people's text shown on a terminal, where some signs are commands?"""

import unicodedata


def printable(text):
    """What would move the cursor, colour or hide something is written out."""
    return "".join(sign if sign == "\n" or unicodedata.category(sign)[0] != "C" else
                   ascii(sign)[1:-1] for sign in text)
