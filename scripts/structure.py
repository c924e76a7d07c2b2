"""What HOUSE.md counts, for checkouts by path: `python scripts/structure.py [OLD NEW ...]`.

Statically, over bench/: modules directly in it, Python lines, lines a room, the longest function,
and the modules that follow from bench.__main__ by imports, those within functions too, when `run`
is the only verb, the CPU the only target, and the worker is followed as well.

From a real `run` of the fake suite: the files with a function that was called between argv and the
last record, in the parent and in the worker, and the modules that each had loaded.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# Runs in the checkout; `conclude` is where the record is written and the report begins.
RUN = """
import json, os, sys, threading
def profiled(out, go):
    called = set()
    def see(frame, event, arg):
        if event == "call" and frame.f_code.co_name != "<module>":
            if frame.f_code.co_name == "conclude":
                sys.setprofile(None)
                return
            called.add(frame.f_code.co_filename)
    threading.setprofile(see)
    sys.setprofile(see)
    try:
        go()
    finally:
        sys.setprofile(None)
        inside = [it for it in called if it.startswith(os.path.realpath("bench") + os.sep)]
        loaded = [it for it in sys.modules if it.partition(".")[0] == "bench"]
        with open(out, "w") as file:
            json.dump({"called": inside, "loaded": loaded}, file)
"""
PARENT = """
sys.path.insert(0, os.getcwd())
from bench.cli import main
from tests.fakes import tables as fakes
call = getattr(main, "main", main)
argv = ["run", "--suite", "tests/fakes/suite.toml", "--preset", "quick", "--variant", "x0_25",
        "--models", str(fakes.MODELS), "--results", out + ".results", "--cache", out + ".cache"]
sys.executable = python
profiled(out, lambda: call(argv, fakes.tables()))
"""
WORKER = """
import runpy
if sys.argv[1:2] == ["-m"]:
    sys.path.insert(0, os.environ.get("PYTHONPATH", ""))
    home, name, sys.argv = os.getcwd(), sys.argv[2], sys.argv[2:]
    os.chdir(root)
    profiled(out + "." + name, lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))
else:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def modules(root: Path) -> dict[str, Path]:
    """Return bench's modules by name."""
    found = {}
    for path in sorted((root / "bench").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports anywhere but for types, and the modules that start a child."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value if node.value.startswith("bench.worker") else ""
        yield from imports(node)


def closure(known: dict[str, Path]) -> set[str]:
    """Return what follows from the entry, the run verb, the CPU's target and the worker."""
    ends = ("commands.run", "verbs.run", "places.local", "targets.cpu")
    verbs = ("bench.verbs.", "bench.cli.commands.")
    todo = ["bench.__main__", *(name for name in known if name.endswith(ends))]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        other = name.startswith(verbs) and name.split(".")[-1] not in {"run", "outcome"}
        if name in known and name not in seen and not other:
            seen.add(name)
            todo += imports(ast.parse(known[name].read_text()))
    return seen


def longest(path: Path) -> tuple[int, str]:
    """Return the lines and the name of a module's longest function."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    every = [it for it in ast.walk(ast.parse(path.read_text())) if isinstance(it, functions)]
    return (
        max(((it.end_lineno or 0) - it.lineno + 1, it.name) for it in every) if every else (0, "")
    )


def ran(root: Path) -> dict[str, dict[str, list[str]]]:
    """Return what a real run called and loaded, in the parent and in the worker."""
    with tempfile.TemporaryDirectory() as folder:
        out, python = Path(folder) / "parent", Path(folder) / "python"
        shim = f"#!{sys.executable}\n{RUN}\nroot, out = {str(root)!r}, {folder + '/worker'!r}\n"
        python.write_text(shim + WORKER)
        python.chmod(0o755)
        code = f"{RUN}\nout, python = {str(out)!r}, {str(python)!r}\n{PARENT}"
        subprocess.run([sys.executable, "-c", code], cwd=root, stdout=sys.stderr, check=True)
        files = [out, *Path(folder).glob("worker.*")]
        return {path.name: json.loads(path.read_text()) for path in files if path.is_file()}


def counted(root: Path) -> dict[str, object]:
    """Return every figure of a checkout by its title."""
    known = modules(root)
    lines = {name: len(path.read_text().splitlines()) for name, path in known.items()}
    rooms: Counter[str] = Counter()
    for name, path in known.items():
        parts = path.relative_to(root / "bench").parts
        rooms[parts[0] if len(parts) > 1 else "(bench)"] += lines[name]
    length, function = max(longest(path) for path in known.values())
    real = ran(root)
    called = set().union(*(it["called"] for it in real.values()))
    return {
        "files a run calls, argv to record": len(called),
        **{f"modules loaded, {name}": len(it["loaded"]) for name, it in sorted(real.items())},
        "modules in the import closure of run": len(closure(known)),
        "modules directly in bench/": sum(path.parent == root / "bench" for path in known.values()),
        "Python files": len(known),
        "Python lines": sum(lines.values()),
        "longest function": f"{length} {function}",
        **{f"lines of {room}": count for room, count in sorted(rooms.items())},
    }


if __name__ == "__main__":
    roots = [Path(it).resolve() for it in sys.argv[1:]] or [Path(__file__).resolve().parents[1]]
    columns = [counted(root) for root in roots]
    for title in dict.fromkeys(title for column in columns for title in column):
        print(f"{title:<40}", *(f"{column.get(title, '-')!s:>24}" for column in columns))
