"""Does a network, or its kernel, fit into the memory at hand, and if not, how much would it take?"""

from lazyscope._checks import InputError, check_count
from lazyscope._entry import checked
from lazyscope._memory import memory_at_hand, physical_memory

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


def _gib(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
