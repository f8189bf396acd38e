"""Would a lake survive a power cut? Reads the trace of a build's syncs, renames and links.

After a power cut, a name or content that wasn't synced may be lost. So before a log entry gets its name, its
content, the data files that it adds and their names must be on the disk, and then its own name.
"""

import json
from pathlib import Path
from urllib.parse import unquote


def losses(trace, root):
    """Returns what a power cut could lose of the entries that were published below `root`."""
    calls = [line.split("\t") for line in trace.read_text().splitlines()]
    synced, found, entries = {}, [], 0
    for at, (call, source, place) in enumerate(calls):
        if call == "sync":
            synced.setdefault(place, []).append(at)
            continue
        entry = Path(place)
        if entry.parent.name != "_delta_log" or entry.suffix != ".json" or not entry.stem.isdigit():
            continue
        entries += 1
        name = entry.relative_to(root)

        def missing(path, since=-1, until=at):
            return not any(since < one < until for one in synced.get(str(path), []))

        if missing(source):
            found.append(f"{name}: its content isn't synced before it has its name")
        table = entry.parent.parent
        for line in entry.read_text().splitlines():
            path = json.loads(line).get("add", {}).get("path")
            if path is None:
                continue
            file = table / unquote(path)
            named = max((at for at, one in enumerate(calls[:at]) if one[0] == "rename" and one[2] == str(file)), default=-1)
            if missing(file):
                found.append(f"{name}: its data file {path} isn't synced before it")
            if missing(file.parent, named):
                found.append(f"{name}: the name of its data file {path} isn't synced before it")
        new = [table, table.parent] if int(entry.stem) == 0 else []
        found += [f"{name}: the new folder in {folder} isn't synced before it" for folder in new if missing(folder)]
        later = [one[2] for one in calls[at:] if one[0] == "sync"]
        if str(entry.parent) not in later:
            found.append(f"{name}: its own name is never synced")
    return entries, found
