"""Which numbers does every array of a proxy get, and which arrays have none that carry over?"""

import math
from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRole, ArrayRoles
from lazyscope.proxy.library._network import AbstractNetwork, ArraySize, Numbers
from lazyscope.scaling import ArrayTransfer, GrowthRole, OptimiserName, array_transfer, start_share

_LAW = 0.12
"""Difference of mean size over rms from which on laws differ (normal 0.80, uniform 0.87, both signs 1)."""
_ENTRIES = 64
"""Entries that an array needs to tell laws apart."""
_COHERENT = 3.0


class Wide(NamedTuple):
    """What was read of the wide network, over its draws.

    Attributes:
        width: M.
        sizes: of every array of every draw.
        norms: operator norm of every array, in the mean over draws.
        fixed: arrays that do not grow, of every draw, by their numbers.
    """

    width: int
    sizes: tuple[tuple[ArraySize, ...], ...]
    norms: np.ndarray
    fixed: tuple[dict[int, np.ndarray], ...]

    def rms(self, array: int) -> float:
        """Root mean square of an array's entries over all draws."""
        return math.sqrt(float(np.mean([sizes[array].rms ** 2 for sizes in self.sizes])))


def read_wide(width: int, roles: ArrayRoles, networks: Sequence[AbstractNetwork]) -> Wide:
    """Sizes of the arrays of drawn networks, and those arrays that are the same at every width."""
    still = [k for k, each in enumerate(roles) if not each.growing]
    fixed = tuple({k: network.values(k) for k in still} for network in networks)
    norms = np.mean([network.norms() for network in networks], 0)
    return Wide(width, tuple(network.sizes() for network in networks), norms, fixed)


def growth_role(each: ArrayRole) -> GrowthRole:
    """The role by which an array is transferred; one that is not used counts as fixed."""
    return each.role if each.role in get_args(GrowthRole) else "fixed"  # pyright: ignore[reportReturnType]


def transfers_of(
    roles: ArrayRoles, optimiser: OptimiserName, width: float, proxy_width: float
) -> tuple[ArrayTransfer, ...]:
    """The factors of every array."""
    return tuple(
        array_transfer(
            growth_role(each),
            optimiser,
            width=width,
            proxy_width=proxy_width,
            matrix=len(each.shape) == 2,
        )
        for each in roles
    )


def proxy_numbers(
    roles: ArrayRoles,
    optimiser: OptimiserName,
    wide: Wide,
    narrow: tuple[int, Sequence[ArraySize]],
    seed: int,
) -> Numbers:
    """The numbers of one drawn proxy, of a width and with these sizes."""
    proxy_width, sizes = narrow
    found = transfers_of(roles, optimiser, wide.width, proxy_width)
    fixed = wide.fixed[seed % len(wide.fixed)]
    entries = []
    for k, (size, transfer) in enumerate(zip(sizes, found, strict=True)):
        here, there = size.rms, wide.rms(k)
        entries.append(1.0 if k in fixed or here == 0 else transfer.entries * there / here)
    return Numbers(
        entries=tuple(entries),
        values=fixed,
        rate=tuple(each.rate for each in found),
        epsilon=tuple(each.epsilon for each in found),
        decay=tuple(each.decay for each in found),
        share=start_share(wide.width, proxy_width),
        outputs=frozenset(k for k, each in enumerate(roles) if each.role == "output"),
    )


def check_arrays(
    roles: ArrayRoles, wide: Wide, narrow: tuple[int, Sequence[ArraySize]]
) -> tuple[str, ...]:
    """Refuse arrays that do not carry over, by name; what is only approximate is returned in sentences."""
    if not roles.readouts:
        raise InputError(
            "a proxy needs outputs that are written by arrays which do nothing else",
            received="pooled units" if roles.pooled else "no array that is the readout alone",
            cause="units that are summed without trained weights (a frozen readout too), gated heads, or a "
            "readout that is the embedding too: the size of the output at the start then has another power "
            "of the width",
            fix="give the network a readout of its own, which is trained",
        )
    proxy_width, sizes = narrow
    for k, each in enumerate(roles):
        _check_role(each, wide.sizes[0][k])
        _check_axes(each, (wide.width, wide.sizes[0][k].shape), (proxy_width, sizes[k].shape))
        _check_law(each, wide.sizes[0][k], sizes[k])
    guessed = [each.name for each in roles if each.growing and "other" in each.kinds]
    return (f"Judged by how many of their axes grow: {', '.join(guessed)}.",) if guessed else ()


def _check_role(each: ArrayRole, wide: ArraySize) -> None:
    if each.role == "tied":
        raise _refusal(
            each,
            f"with the roles {', '.join(dict.fromkeys(each.uses))}",
            "one array at several places, whose entries would need two sizes",
            "give every place an array of its own",
        )
    if each.role == "output" and not each.writes_output and wide.rms:
        raise _refusal(
            each,
            "that sums over units inside the network",
            "a bottleneck or a router: what it writes at the start lives on fluctuations of the real width",
            "start it at zero, or let its outputs grow with the width",
        )


def _check_axes(
    each: ArrayRole, wide: tuple[int, tuple[int, ...]], narrow: tuple[int, tuple[int, ...]]
) -> None:
    (large, there), (small, here) = wide, narrow
    growing = {axis for axis, (a, b) in enumerate(zip(here, there, strict=True)) if a != b}
    odd = [axis for axis in growing if there[axis] * small != here[axis] * large]
    if odd or growing != set(each.growing):
        raise _refusal(
            each,
            f"of shape {here} at width {small} and {there} at {large}",
            "a size that grows in steps, or that has a part which does not grow",
            "choose widths over which all growing sizes are multiples of the width",
        )
    if len(growing) > 2:
        raise _refusal(
            each,
            f"of shape {here} at width {small} and {there} at {large}",
            "more than one fan-in or fan-out that grows",
            "let heads or groups grow, and keep their size",
        )


def _check_law(each: ArrayRole, wide: ArraySize, narrow: ArraySize) -> None:
    if not each.growing:
        return
    kinds = [_kind(size) for size in (narrow, wide)]
    if kinds[0] != kinds[1]:
        raise _refusal(
            each,
            f"that starts {kinds[0]} when narrow and {kinds[1]} when wide",
            "a start that depends on the width in more than its scale",
            "draw it in the same way at every width",
        )
    if kinds[0] != "random":
        if kinds[0] == "constant" and each.role == "hidden":
            raise _constant_hidden(each)
        return
    many = min(np.prod(wide.shape), np.prod(narrow.shape)) >= _ENTRIES
    laws = [size.absolute / size.rms for size in (narrow, wide)]
    if many and max(narrow.zeros, wide.zeros) < 0.5 and abs(laws[0] - laws[1]) > _LAW:
        raise _refusal(
            each,
            f"whose entries have a mean size of {laws[0]:.2f} rms when narrow and {laws[1]:.2f} when wide",
            "a start that is drawn in another law at another width",
            "draw it in the same way at every width",
        )
    if each.role == "hidden" and abs(wide.mean) * math.sqrt(min(wide.shape)) > _COHERENT * wide.rms:
        raise _constant_hidden(each)


def _kind(size: ArraySize) -> str:
    if size.rms == 0:
        return "at zero"
    return "random" if size.constant is None or len(size.shape) == 0 else "constant"


def _constant_hidden(each: ArrayRole) -> InputError:
    return _refusal(
        each,
        "with a mean that adds up over units",
        "a start at a constant, whose sums grow by another power of the width than those of random entries",
        "draw it around zero",
    )


def _refusal(each: ArrayRole, received: str, cause: str, fix: str) -> InputError:
    return InputError(
        "every array must carry over to a narrow network",
        received=f"{each.name} {received}",
        cause=cause,
        fix=fix,
    )
