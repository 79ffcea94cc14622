#!/usr/bin/env python3
"""Manual pages, made of what the programs say of themselves (`--help`) and of the tables in docs/settings-*.md."""

import argparse
import os
import pathlib
import re
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
# Programs of people, with the section of their pages and the settings that they read.
PROGRAMS = [
    ("vox", 1, "run and call the platform from the command line", None),
    ("vox-bridge", 8, "the control plane of Vox", "settings-bridge.md"),
    ("vox-core", 8, "one worker of Vox: one process, one call", "settings-core.md"),
    ("vox-dialler", 8, "the dialler of Vox: runs campaigns", "settings-dialler.md"),
    ("vox-engine", 8, "the local voice and recogniser of Vox", None),
]


def told(program, *arguments):
    """What it prints, as wide as a page, whatever the terminal."""
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "78", "NO_COLOR": "1"}
    run = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment, check=True)
    return run.stdout.rstrip()


def roff(text):
    """Text of one line or several, with what troff would read as its own made harmless."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def verbatim(text):
    return f".nf\n{roff(text)}\n.fi\n"


def plain(text):
    """Markdown of a cell of a table without its marks."""
    return re.sub(r"[`*]", "", text.replace("\\|", "|")).strip()


def settings(document):
    """The rows `variable | default | meaning` of the first table of a page."""
    for line in (HERE / "docs" / document).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)][1:-1]
        if len(cells) == 3 and cells[0].startswith("`"):
            yield [plain(cell) for cell in cells]


def page(name, section, purpose, parts, made):
    title = f'.TH {name.upper().replace("-", chr(92) + "-")} {section} "{made["date"]}" "Vox {made["version"]}" "Vox"\n'
    text = f"{title}.SH NAME\n{roff(name)} \\- {roff(purpose)}\n"
    for heading, body in parts:
        text += f".SH {heading}\n{body}"
    return text


def environment_of(document):
    body = "Every fault of these is told at once, and the program does not start.\n"
    for variable, default, meaning in settings(document):
        body += f".TP\n.B {roff(variable)}\n{roff(meaning)}\nDefault: {roff(default)}.\n"
    return body


def subcommands(program):
    """The names of the commands in its help."""
    found = re.search(r"^Commands:\n((?:  .*\n?)+)", told(program, "--help") + "\n", re.MULTILINE)
    names = re.findall(r"^  ([a-z][a-z-]*)", found.group(1), re.MULTILINE) if found else []
    return [name for name in names if name != "help"]


def main():
    parser = argparse.ArgumentParser()
    for name in ("programs", "host", "out", "version"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    made = {"version": arguments.version, "date": time.strftime("%Y-%m-%d", time.gmtime(epoch))}

    def write(name, section, text):
        path = pathlib.Path(arguments.out) / f"man{section}" / f"{name}.{section}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    documentation = verbatim("/usr/share/doc/vox")
    for name, section, purpose, document in PROGRAMS:
        program = f"{arguments.programs}/{name}"
        # A worker takes no arguments: all of it is in its settings.
        parts = [("DESCRIPTION", verbatim(told(program, "--help")))] if name != "vox-core" else [
            ("DESCRIPTION", "It takes no arguments. systemd starts it as vox\\-core@N.service.\n")]
        for command in subcommands(program) if name != "vox-core" else []:
            parts.append((f'"{name.upper()} {command.upper()}"', verbatim(told(program, "help", command))))
        if document:
            parts.append(("ENVIRONMENT", environment_of(document)))
        write(name, section, page(name, section, purpose, [*parts, ("FILES", documentation)], made))
    parts = [("DESCRIPTION", verbatim(told(arguments.host, "--help"))), ("FILES", documentation)]
    write("vox-host", 8, page("vox-host", 8, "lay down, change and keep a host of Vox", parts, made))


main()
