"""Does a network, or its kernel, fit into the memory at hand, and if not, how much would it take?"""

import os
from pathlib import Path

from lazyscope._checks import InputError, check_count
from lazyscope._entry import checked

COPIES_OF_A_RUN = 3
"""Copies of the parameters that a run holds: initial, current and candidate."""

COPIES_OF_A_KERNEL = 2
"""Copies of a kernel while it is put together: its parts, and the whole."""

COPIES_WITH_EIGENVECTORS = 4
"""Copies of a kernel while it is decomposed: the kernel twice, eigenvectors, and workspace."""


@checked()
def check_memory(num_parameters: int, *, what: str, bytes_per_number: int = 8) -> None:
    """Refuse what would need more than the machine's memory for the parameters of one run.

    Raises:
        InputError: three copies of the parameters in double precision exceed physical memory.
    """
    check_count("bytes_per_number", bytes_per_number)
    needed = COPIES_OF_A_RUN * num_parameters * bytes_per_number
    available = physical_memory()
    if needed > available:
        raise InputError(
            "the parameters of a run must fit into memory",
            received=(
                f"{what}, {num_parameters:.3g} parameters, which takes {_gib(needed)} for the "
                f"{COPIES_OF_A_RUN} copies of a run; this machine has {_gib(available)}"
            ),
            cause="a width with too many digits",
            fix="use a smaller width, or a machine with more memory",
        )


@checked()
def check_kernel_memory(size: int, *, what: str, copies: int = COPIES_OF_A_KERNEL) -> None:
    """Refuse a kernel that does not fit into the memory at hand, before anything is computed.

    Args:
        size: bytes of the result.
        what: the result in words, such as ``a kernel of 10 x 10 examples``.
        copies: copies of it that are held at once.

    Raises:
        InputError: so many copies exceed `memory_at_hand`.
    """
    needed = check_count("copies", copies) * size
    if needed < _ALWAYS_THERE:
        return
    available = memory_at_hand()
    if needed > available:
        raise InputError(
            "a kernel must fit into the memory at hand",
            received=f"{what}, which takes {_gib(needed)} while it is put together; there are "
            f"{_gib(available)} at hand",
            cause="a result that grows with the square of the number of examples and outputs",
            fix="use fewer examples or outputs at a time (x1 and x2 may be parts of a set), or "
            "tangent_kernel_product, which never holds a kernel",
        )


_ALWAYS_THERE = 2**26
"""Results below so many bytes are not compared: looking takes longer than it helps."""


def physical_memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


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


def _gib(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
