#!/usr/bin/env python3
"""The commands of a page, as tests run them: every block of shell with `<!-- run: NAME -->` before it.

    scripts/machine/blocks.py PAGE...          names, one a line; ends with 1 if one is there twice
    scripts/machine/blocks.py PAGE... -- NAME  the commands of that block
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^<!-- run: ([a-z0-9-]+) -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main():
    arguments = sys.argv[1:]
    wanted = arguments.pop() if "--" in arguments else None
    found = {}
    for page in (argument for argument in arguments if argument != "--"):
        for name, commands in BLOCK.findall(pathlib.Path(page).read_text(encoding="utf-8")):
            if name in found:
                sys.exit(f"blocks: '{name}' is there twice")
            found[name] = commands
    if wanted is None:
        print("\n".join(found))
    elif wanted in found:
        print(found[wanted], end="")
    else:
        sys.exit(f"blocks: no block is called '{wanted}'")


main()
