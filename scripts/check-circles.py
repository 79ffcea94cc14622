#!/usr/bin/env python3
"""Find import circles between the source files of each crate: files that, over any number of steps, use each other.

    scripts/check-circles.py [CRATE ...]      default: every member of the workspace

A module and the modules inside it are one idea told in several files; what they take from each other does not count. Prints each
circle with what ties it and ends with 1 if there is any. Reads `use` trees and paths that begin with `crate::`, `super::` or
`self::` as text, so a path that only a macro makes is not seen. Tests do not count.
"""
import pathlib, re, sys, tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\])*"', re.S)
PATH = re.compile(r"\b(crate|super|self)((?:::(?:super|[a-z_][a-z0-9_]*))*)(::\{)?(?:::([A-Z][A-Za-z0-9_]*))?")


def without_tests(text):
    """The source up to its test module, without comments and strings."""
    text = COMMENT.sub("", STRING.sub('""', text))
    at = text.find("#[cfg(test)]\nmod tests")
    return text if at < 0 else text[:at]


def module_of(path, source):
    """The module path of a file, as a tuple of names: () is the crate."""
    parts = path.relative_to(source).with_suffix("").parts
    return () if parts in [("lib",), ("main",)] else parts


def expand(text):
    """Every path in the text as a tuple of names; the trees of `use` are taken apart."""
    def tree(prefix, at):
        """Read what follows `{`; give the paths and the place behind `}`."""
        paths, name = [], ""
        while at < len(text):
            sign = text[at]
            if sign == "{":
                inner, at = tree(prefix + tuple(n for n in name.strip().split("::") if n), at + 1)
                paths += inner
                name = ""
                continue
            if sign in ",}":
                if name.strip():
                    paths.append(prefix + tuple(n.split(" as ")[0].strip() for n in name.strip().split("::") if n))
                name = ""
                if sign == "}":
                    return paths, at + 1
            else:
                name += sign
            at += 1
        return paths, at

    for found in PATH.finditer(text):
        start = (found[1],) + tuple(n for n in (found[2] or "").split("::") if n)
        if found[3]:
            yield from tree(start, found.end())[0]
        else:
            yield start + ((found[4],) if found[4] else ())


def imports(source):
    files = {module_of(p, source): p for p in sorted(source.rglob("*.rs")) if p.name != "main.rs" or not (source / "lib.rs").exists()}
    edges = {m: {} for m in files}
    for module, path in files.items():
        for names in expand(without_tests(path.read_text())):
            at = () if names[0] == "crate" else module if names[0] == "self" else module[:-1]
            rest = list(names[1:])
            while rest and rest[0] == "super":
                at, rest = at[:-1], rest[1:]
            while rest and at + (rest[0],) in files:
                at, rest = at + (rest[0],), rest[1:]
            kin = at[: len(module)] == module or module[: len(at)] == at
            if at in files and not kin:
                edges[module].setdefault(at, set()).add(rest[0] if rest else at[-1])
    return files, edges


def circles(edges):
    """Tarjan's strongly connected components with more than one member."""
    index, low, stack, on, found = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for other in edges[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while True:
                last = stack.pop()
                on.discard(last)
                group.append(last)
                if last == node:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    for node in edges:
        if node not in index:
            visit(node)
    return found


def main(wanted):
    members = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"]
    total = 0
    for member in members:
        if wanted and member not in wanted:
            continue
        source = ROOT / member / "src"
        files, edges = imports(source)
        for circle in circles(edges):
            total += 1
            print(f"circle of {len(circle)} files in {member}:")
            for module in circle:
                for other, names in sorted(edges[module].items()):
                    if other in circle:
                        print(f"  {files[module].relative_to(ROOT)} -> {files[other].relative_to(ROOT)}: {', '.join(sorted(names))}")
    print(f"{total} import circles between files")
    return 1 if total else 0


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    sys.exit(main(sys.argv[1:]))
