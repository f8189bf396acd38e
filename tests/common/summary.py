"""The last line of each long test: a JSON object, which the script that runs all tests puts into its table."""

import json
import sys


def end(test, tries, failures, figure):
    """Prints the summary and exits, with 1 if anything failed."""
    print(json.dumps({"test": test, "tries": tries, "failures": failures, "figure": figure}), flush=True)
    sys.exit(1 if failures else 0)
