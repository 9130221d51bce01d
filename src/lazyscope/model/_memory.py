"""Does a network fit into this machine's memory, and if not, how much would it take?"""

import os

from lazyscope._checks import InputError

COPIES_OF_A_RUN = 3
"""Copies of the parameters that a run holds: initial, current and candidate."""


def check_memory(num_parameters: int, *, what: str, bytes_per_number: int = 8) -> None:
    """Refuse what would need more than the machine's memory for the parameters of one run.

    Raises:
        InputError: three copies of the parameters in double precision exceed physical memory.
    """
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


def physical_memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gib(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
