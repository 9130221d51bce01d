"""How much memory can this process take?"""

import os
from contextlib import suppress
from pathlib import Path


def physical_memory() -> int:
    """Bytes of memory of this machine; without end where nothing tells."""
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 2**62


def memory_at_hand() -> int:
    """Bytes that can be taken now: of the machine, and of the group of processes this one is in.

    On Linux that is what is available without swapping, and what the limits of the control groups around
    this process (containers, batch systems) leave; elsewhere the physical memory.
    """
    found = [physical_memory()]
    lines = _lines(Path("/proc/meminfo"))
    found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for folder, limit, used in _control_groups():
        numbers = [_lines(folder / name)[:1] for name in (limit, used)]
        if all(n and n[0].isdigit() for n in numbers):
            cached = sum(
                int(line.split()[1])
                for line in _lines(folder / "memory.stat")
                if line.split()[0] in ("inactive_file", "total_inactive_file")
            )
            found.append(max(0, int(numbers[0][0]) - int(numbers[1][0]) + cached))
    return min(found)


def _control_groups() -> list[tuple[Path, str, str]]:
    """Folders of the control groups around this process, with the names of limit and use in them."""
    found: list[tuple[Path, str, str]] = []
    for line in _lines(Path("/proc/self/cgroup")):
        number, controllers, path = line.split(":", 2)
        root, files = Path("/sys/fs/cgroup"), ("memory.max", "memory.current")
        if number != "0":
            if "memory" not in controllers.split(","):
                continue
            root, files = root / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        folder = root / path.lstrip("/")
        found += [(one, *files) for one in (folder, *folder.parents) if one.is_relative_to(root)]
    return found


def _lines(path: Path) -> list[str]:
    """Lines of a file that may not be there."""
    try:
        return path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
