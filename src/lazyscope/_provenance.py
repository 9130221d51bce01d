"""Which versions and which code made a result, on which machine, and when?"""

import hashlib
import platform
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lazyscope._cores import usable_cores
from lazyscope._memory import physical_memory

ROOT = Path(__file__).parent
NUMBERS_DEPEND_ON = ("lazyscope", "jax", "jaxlib", "numpy", "scipy", "scikit-learn")
_SHOWING = ("report", "cli")  # rooms that make no number


@cache
def version_of(package: str) -> str:
    """The version of a distribution that is installed, else ``unknown``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def versions(*packages: str) -> dict[str, str]:
    """Versions by name; of lazyscope and of what its numbers depend on, where none is named."""
    return {name: version_of(name) for name in packages or NUMBERS_DEPEND_ON}


def timestamp() -> str:
    """Now, by the machine's clock, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def provenance(*libraries: str) -> dict[str, str]:
    """Versions of lazyscope, NumPy and the named libraries, and the time by the machine's clock."""
    return versions("lazyscope", "numpy", *libraries) | {"started_at": timestamp()}


@cache
def source_digest(folder: Path = ROOT, leave_out: tuple[str, ...] = ()) -> str:
    """Digest of names and contents of all Python files below `folder`, but for some folders in it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        place, content = path.relative_to(folder), path.read_bytes()
        if place.parts[0] not in leave_out:
            digest.update(f"{place.as_posix()} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def code_digest() -> str:
    """Digest that changes with any source file which can move a number."""
    return source_digest(ROOT, _SHOWING)


@cache
def machine() -> dict[str, Any]:
    """Processor, usable cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_gib": round(physical_memory() / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """The model of the processor where the system tells it, else its family."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
