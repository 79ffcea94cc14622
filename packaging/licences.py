#!/usr/bin/env python3
"""The crates that are in the programs, with their licences and the texts of these, on standard output; each text once."""

import json
import pathlib
import subprocess
import sys

PROGRAMS = {"vox-cli", "vox-bridge", "vox-core", "vox-dialler", "vox-engines"}
NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT")


def metadata():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"]
    host = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    triple = next(line.split()[1] for line in host.splitlines() if line.startswith("host:"))
    told = subprocess.run([*command, triple], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        sys.exit(f"licences: cargo metadata: {told.stderr.strip()}")
    return json.loads(told.stdout)


def reached(found):
    """What is compiled into the programs: nothing that only builds or tests."""
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    wanted = [package["id"] for package in found["packages"] if package["name"] in PROGRAMS]
    seen = set()
    while wanted:
        one = wanted.pop()
        if one in seen:
            continue
        seen.add(one)
        for dependency in nodes[one]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                wanted.append(dependency["pkg"])
    return seen


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name.upper().startswith(NAMES):
            yield path.read_text(encoding="utf-8", errors="replace").strip()


def main():
    found = metadata()
    inside = reached(found)
    crates = [p for p in found["packages"] if p["id"] in inside and p["source"]]
    crates.sort(key=lambda package: (package["name"], package["version"]))
    known = {}
    lines = ["Crates in the programs of Vox, with their licences. The numbers are those of the texts below.", ""]
    for crate in crates:
        numbers = [known.setdefault(text, len(known) + 1) for text in texts(crate)]
        told = ", ".join(map(str, numbers)) or "none in the crate"
        lines.append(f"{crate['name']} {crate['version']}: {crate['license'] or 'see its text'} [{told}]")
    for text, number in known.items():
        lines += ["", f"---- {number} ----", "", text]
    print("\n".join(lines))


main()
