"""Which benchmarks are there, and what do they measure on this machine?

    python -m benchmarks             all of them
    python -m benchmarks NAME ...    some of them
    python -m benchmarks --list      their names

A benchmark is a module of this folder with a function ``run() -> dict``. Its ``rows`` (a list of flat
dictionaries) are shown as a table; the whole answer goes to results/NAME.json, with the machine, the
versions and the date.
"""

import ast
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
PACKAGES = ("lazyscope", "jax", "jaxlib", "equinox", "diffrax", "numpy", "scipy")


def benchmark_names() -> list[str]:
    """Modules of this folder that define `run`, found without importing them."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if not path.stem.startswith("_") and _defines_run(path)
    )


def _defines_run(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body)


def machine() -> dict[str, Any]:
    """What the numbers were measured on, and how busy it was."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def measure(name: str) -> dict[str, Any]:
    """Run one benchmark: its answer with where, when and how long."""
    date, start = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    before = machine()
    answer = importlib.import_module(f"benchmarks.{name}").run()
    wall = round(time.perf_counter() - start, 1)
    load_after = [round(load, 2) for load in os.getloadavg()]
    return {
        "benchmark": name,
        "date": date,
        "wall_seconds": wall,
        "machine": before | {"load_after": load_after},
        **answer,
    }


def show(console: Console, report: dict[str, Any]) -> None:
    """The rows of a report side by side, one quantity a line; without rows, its keys and values."""
    rows = report.get("rows") or [{k: v for k, v in report.items() if not isinstance(v, dict)}]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    title = f"{report['benchmark']} ({report['wall_seconds']} s)"
    table = Table(title=title, title_justify="left", show_header=False)
    for _ in range(1 + len(rows)):
        table.add_column(overflow="fold")
    for key in keys:
        table.add_row(key.replace("_", " "), *[_text(row.get(key)) for row in rows])
    console.print(table)
    for note in report.get("notes", ()):
        console.print(f"  {note}")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value)
    return str(value)


def _plain(value: Any) -> Any:
    """NumPy and JAX numbers as JSON's."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def main(arguments: list[str]) -> int:
    known = benchmark_names()
    if arguments == ["--list"]:
        print("\n".join(known))
        return 0
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    console, failed = Console(), []
    for name in arguments or known:
        console.print(f"[bold]{name}[/bold] ..")
        try:
            report = measure(name)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.json"
        path.write_text(json.dumps(report, indent=1, default=_plain) + "\n")
        show(console, report)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
