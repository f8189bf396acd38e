"""Checks Cargo's list of dependencies against `deny.toml`: licenses, sources of crates, unpinned versions,
and crates in several versions. For machines without cargo-deny, which reads the same file."""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def fits(expression: str, allowed: set[str]) -> bool:
    """Returns whether allowed licenses satisfy an SPDX expression. `/` is the old notation for OR."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    place = 0

    def several() -> bool:
        nonlocal place
        value = both()
        while place < len(tokens) and tokens[place] == "OR":
            place += 1
            value = both() or value
        return value

    def both() -> bool:
        nonlocal place
        value = one()
        while place < len(tokens) and tokens[place] == "AND":
            place += 1
            value = one() and value
        return value

    def one() -> bool:
        nonlocal place
        if tokens[place] == "(":
            place += 1
            value = several()
            place += 1
            return value
        name = tokens[place]
        place += 1
        if place < len(tokens) and tokens[place] == "WITH":
            name = f"{name} WITH {tokens[place + 1]}"
            place += 2
        return name in allowed

    return several()


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    allowed = set(rules["licenses"]["allow"])
    exceptions = defaultdict(set)
    for one in rules["licenses"].get("exceptions", []):
        exceptions[one.get("name") or one["crate"]] |= set(one["allow"])
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["packages"]
    faults = []
    versions = defaultdict(list)
    for package in packages:
        name = f"{package['name']} {package['version']}"
        versions[package["name"]].append(package["version"])
        if package["source"] is None:
            wild = [one["name"] for one in package["dependencies"] if one["req"] == "*"]
            faults += [f"{name}: the version of {other} is left open" for other in wild]
            continue
        if package["source"] != REGISTRY:
            faults.append(f"{name}: comes from {package['source']}")
        licence = package["license"]
        if licence is None or not fits(licence, allowed | exceptions[package["name"]]):
            faults.append(f"{name}: its licence is {licence or 'not given'}")
    for fault in faults:
        print(f"FAIL {fault}")
    several = {name: found for name, found in versions.items() if len(found) > 1}
    print(f"{len(packages)} crates, {len(several)} of them in several versions, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
