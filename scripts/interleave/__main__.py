"""Where Python starts: python3 -m interleave, called by ./scripts/bench."""

import sys
from pathlib import Path

from .trouble import Trouble

if __name__ == "__main__":
    try:
        from .cli import main
    except Trouble as error:  # a file of the suite itself is missing
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)  # of gate 1 would mean slower
    if sys.stdout and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[2]))
