"""Reads a lake with deltalake, a second reader of Delta tables, and finds files that belong to no table."""

import json
import math
import os
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable

LOG_FILE = re.compile(r"\d{20}(\.json|\.checkpoint(\.\d+\.\d+)?\.parquet|\.crc)|_last_checkpoint")
# Columns that differ from run to run.
PER_RUN = {
    "run_id", "batch", "loaded_at", "etag", "modified", "_run_id", "_loaded_at",
    "dbt_valid_from", "dbt_valid_to", "dbt_updated_at", "dbt_scd_id",
}


def folders(lake):
    """Returns the directories of a lake's tables by name."""
    return {f"{log.parent.parent.name}.{log.parent.name}": log.parent for log in sorted(Path(lake).glob("*/*/_delta_log"))}


def rows(folder):
    """Returns the rows of a table in any order, without the columns that differ from run to run."""
    table = DeltaTable(str(folder)).to_pyarrow_table()
    names = [name for name in table.column_names if name not in PER_RUN]
    columns = [table.column(name).to_pylist() for name in names]
    return Counter(tuple(map(plain, row)) for row in zip(*columns)) if names else Counter()


def tables(lake):
    return {name: rows(folder) for name, folder in folders(lake).items()}


def plain(value):
    """Makes a value comparable: rounds floats, because the last digits of sums depend on their order."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.9e}"
    return value if isinstance(value, (str, int, float, type(None))) else repr(value)


def leftovers(lake):
    """Returns leftovers in a lake: files that no log names, journals, markers, and empty directories."""
    lake, named, found = Path(lake), set(), []
    for folder in folders(lake).values():
        for entry in (folder / "_delta_log").glob("*.json"):
            for line in entry.read_text(errors="replace").splitlines():
                try:
                    action = json.loads(line)
                except ValueError:
                    continue
                for kind in ("add", "remove", "cdc"):
                    if kind in action:
                        named.add(folder / unquote(action[kind]["path"]))
    for folder, inner, files in os.walk(lake):
        folder = Path(folder)
        # Known source columns and accepted rejects are kept on purpose.
        if folder.parent.name == "_headwater" and folder.name != "runs" and folder.parent.parent == lake:
            continue
        if not inner and not files and folder != lake:
            found.append(f"{folder.relative_to(lake)}/ (empty)")
        in_log = folder.name == "_delta_log"
        for file in files:
            if not (LOG_FILE.fullmatch(file) if in_log else folder / file in named):
                found.append(str((folder / file).relative_to(lake)))
    return found
