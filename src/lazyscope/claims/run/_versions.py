"""By which code and on which machine was a number made?"""

import hashlib
import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

from lazyscope.model import physical_memory

_SHOWING = ("report", "cli")  # rooms that make no number


@cache
def code_digest() -> str:
    """Twelve hexadecimal digits that change with any source file that can move a number."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if place.parts[0] not in _SHOWING:
            digest.update(place.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@cache
def machine() -> dict[str, Any]:
    """Processor, usable cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
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
