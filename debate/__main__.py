"""`python -m debate` is the program `debate`."""

import sys

from debate.frontend.main import main

if __name__ == "__main__":
    sys.exit(main())
