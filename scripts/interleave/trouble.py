"""What ends a command early: an error whose text is one clear line for the person who typed it."""


class Trouble(Exception):
    """Something failed; says what was tried and what to do about it. Exit status 1."""


class Usage(Trouble):
    """An argument cannot be accepted; found before any work. Exit status 2."""
