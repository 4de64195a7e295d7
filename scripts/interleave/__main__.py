"""Where Python starts: python3 -m interleave, called by ./scripts/bench."""

import sys
from pathlib import Path

from .cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[2]))
