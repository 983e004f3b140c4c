"""``scripts/e2e.py`` as a command of its own, with a stub in place of the programs."""

import sys

import e2e
from test_e2e import scenario

if __name__ == "__main__":
    fault, *arguments = sys.argv[1:]
    sys.exit(e2e.main(arguments, (scenario(fault),)))
