"""Reads the rows of a JSON document in pandas' "split" form, however large it is.

A small file is parsed in one piece. A large one is read through a window: its head up to `"data":[`, then row
by row.
"""

import json
import re

AT_ONCE = 64_000_000  # bytes
WINDOW = 16_000_000  # characters
DECODER = json.JSONDecoder()
BLANK = re.compile(r"[ \t\r\n]*")


class Broken(Exception):
    """The file isn't one complete document with columns and data."""


def rows(path):
    """Yields ({column: position}, row) for each row; raises Broken, perhaps after some rows."""
    try:
        if path.stat().st_size > AT_ONCE:
            with path.open(encoding="utf-8") as file:
                yield from streamed(file)
            return
        document = json.loads(path.read_bytes())
        columns, data = positions(document["columns"]), document["data"]
    except (ValueError, LookupError, TypeError) as error:
        raise Broken from error
    for row in data:
        yield columns, row


def positions(names):
    return {name: at for at, name in enumerate(names)}


def blank(window, at):
    """Returns the position after any white space."""
    return BLANK.match(window, at).end()


def streamed(file):
    """Yields the rows of a document with rows, `columns` before `data`, and nothing after it."""
    head, _, window = file.read(WINDOW).partition('"data":[')
    columns = positions(json.loads(head.rstrip(", \t\r\n") + "}")["columns"])
    at, separator = 0, ","
    while separator == ",":
        start = blank(window, at)
        try:
            row, at = DECODER.raw_decode(window, start)
            at = blank(window, at)
            separator = window[at]
        except (ValueError, IndexError):
            # The window or the file ends within this row.
            more = file.read(WINDOW)
            if not more:
                raise
            window, at = window[start:] + more, 0
            continue
        at += 1
        yield columns, row
    if separator != "]" or (window[at:] + file.read()).strip() != "}":
        raise Broken
