"""Which numbers make a narrow network train like a wide one, array by array?

Every rule follows from four powers of r = M / m' per role: how the entries of an array, of its change and
of its gradient differ between the two widths, and the square root of its number of entries.
``docs/equivalence.md`` derives them.
"""

import math
from typing import Literal, NamedTuple, TypeAlias, get_args

from lazyscope._checks import (
    OPTIMISERS,
    InputError,
    OptimiserName,
    check_choice,
    check_positive,
)
from lazyscope._entry import checked

GrowthRole: TypeAlias = Literal["input", "hidden", "output", "fixed"]
"""Which side of an array grows: the one that it writes, both, the one that it sums over, or none."""
WIDEST = 1e30


class ArrayTransfer(NamedTuple):
    """Factors from the numbers of one array of a wide network to those of its narrow proxy.

    Attributes:
        entries: of the entries at the start.
        rate: of the learning rate, or of the speed.
        decay: of the weight decay, so that rate times decay stays.
        epsilon: of what the optimiser adds to the size of a gradient; 1 where it adds nothing.
        norm: of the operator norm of a change. A change that was measured on the proxy, divided by it, is
            that of the wide network.
    """

    entries: float
    rate: float
    decay: float
    epsilon: float
    norm: float


class _Powers(NamedTuple):
    """Powers of r = M / m' by which the narrow array differs from the wide one."""

    entries: float
    change: float
    gradient: float
    root_of_number: float


_POWERS: dict[str, _Powers] = {
    "input": _Powers(entries=0, change=0, gradient=1, root_of_number=0.5),
    "hidden": _Powers(entries=0.5, change=1, gradient=1, root_of_number=1),
    "output": _Powers(entries=1, change=1, gradient=0, root_of_number=0.5),
    "fixed": _Powers(entries=0, change=0, gradient=0, root_of_number=0),
}


@checked()
def array_transfer(
    role: GrowthRole,
    optimiser: OptimiserName,
    *,
    width: float,
    proxy_width: float,
    matrix: bool = True,
) -> ArrayTransfer:
    """What one array of a network of `proxy_width` needs to train like that of `width`.

    With r = width / proxy_width, and entries of pre-activations that keep their size:

    ======  ========  =========  ========  ========  =============
    role    entries   rate: SGD  Adam,     Muon      Adam's
                                 sign                epsilon
    ======  ========  =========  ========  ========  =============
    input   1         1 / r      1         r^-1/2    r
    hidden  r^1/2     1          r         1         r
    output  r         r          r         r^1/2     1
    fixed   1         1          1         1         1
    ======  ========  =========  ========  ========  =============

    The output at the start is then too large by r^1/2, see `start_share`.

    Args:
        role: ``input`` for what writes units from what does not grow (first layers, biases, gains),
            ``hidden`` for units from units, ``output`` for sums over units, ``fixed`` if no side grows.
        optimiser: ``sgd``; ``momentum``; ``adam``, ``adamw``, ``sign`` and ``lion``, whose updates do not
            depend on the size of gradients; ``muon``, which takes what is no matrix as Adam does.
        width: M of the wide network, at most 1e30.
        proxy_width: m' of the narrow one, at most M.
        matrix: whether the array is a matrix, which makes a difference for Muon alone.

    Returns:
        An `ArrayTransfer`.

    Raises:
        InputError: an unknown role or optimiser, widths that are not positive or in the wrong order.

    Trust: to about 1 / m' in the mean over seeds, and m'^-1/2 from seed to seed. Not for weight decay that
    is added to the gradient before Adam or a sign sees it, nor for gradients that are clipped by the norm
    of all arrays together: what these compare has other ratios at the other width.

    Reference: Yang et al. 2022 (arXiv 2203.03466) for a start in muP; any start in docs/equivalence.md.

    Example:
        >>> array_transfer("hidden", "adam", width=4096, proxy_width=64)
        ArrayTransfer(entries=8.0, rate=64.0, decay=0.015625, epsilon=64.0, norm=1.0)
        >>> array_transfer("output", "sgd", width=4096, proxy_width=64).rate
        64.0
    """
    ratio = _ratio(width, proxy_width)
    powers = _POWERS[check_choice("role", role, get_args(GrowthRole))]
    kind = check_choice("optimiser", optimiser, OPTIMISERS)
    norm = powers.change - powers.root_of_number
    if kind in ("sgd", "momentum"):
        rate, epsilon = powers.change - powers.gradient, 0.0
    elif kind == "muon" and matrix:
        # Its update has operator norm one whatever the gradient, so entries of one over their root of number.
        rate, epsilon = norm, powers.gradient - powers.root_of_number
    else:
        rate, epsilon = powers.change, powers.gradient if kind in ("adam", "adamw", "muon") else 0.0
    return ArrayTransfer(
        entries=ratio**powers.entries,
        rate=ratio**rate,
        decay=ratio**-rate,
        epsilon=ratio**epsilon,
        norm=ratio**norm,
    )


@checked()
def start_share(width: float, proxy_width: float) -> float:
    """What is left of the output at the start on the proxy: (m' / M)^1/2.

    Sums of m' independent terms with entries that are M / m' as large are (M / m')^1/2 as large as those of
    the wide network. Training on ``f - f0 + f0 * start_share`` with a frozen copy f0 of the start makes up
    for it without a change of anything that is trained.

    Args:
        width: M of the wide network.
        proxy_width: m' of the narrow one, at most M.

    Raises:
        InputError: widths that are not positive or in the wrong order.

    Example:
        >>> start_share(4096, 64)
        0.125
    """
    return 1 / math.sqrt(_ratio(width, proxy_width))


def _ratio(width: float, proxy_width: float) -> float:
    wide, narrow = check_positive("width", width), check_positive("proxy_width", proxy_width)
    if wide > WIDEST:
        raise InputError(
            f"width must be at most {WIDEST:g}",
            received=f"{wide:g}",
            cause="a scale that leaves the range of numbers",
            fix="give a smaller width; the limit is reached long before",
        )
    if narrow > wide:
        raise InputError(
            "a proxy must be narrower than what it stands for",
            received=f"proxy_width {narrow:g} for width {wide:g}",
            cause="widths in the wrong order",
            fix="give width the larger of both",
        )
    return wide / narrow
