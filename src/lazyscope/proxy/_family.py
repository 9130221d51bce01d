"""Which networks stand for a wide one: drawn how, with which numbers?"""

from collections.abc import Sequence
from typing import final

import numpy as np

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles
from lazyscope.proxy._plan import Wide, check_arrays, proxy_numbers, read_wide
from lazyscope.proxy._start import check_start
from lazyscope.proxy._training import Points, Training, start_loss
from lazyscope.proxy.library._network import (
    AbstractLibrary,
    AbstractNetwork,
    Numbers,
    Start,
    own_numbers,
)

WIDE_DRAWS = 2
"""Draws of the wide network whose arrays are read; none is trained."""
START_DRAWS = 8
"""Draws of the wide network, at most, whose outputs at the start are read."""
MORE_DRAWS = 16
"""Draws of narrow networks whose sizes at the start decide where those of a few would refuse."""


@final
class ProxyFamily:
    """A wide network as it was read, and narrow ones that stand for it.

    Attributes:
        library: draws networks.
        training: of the wide network.
        wide: its sizes.
        wide_start: sizes of its draws at the start.
        first: its first draw.
    """

    def __init__(self, library: AbstractLibrary, training: Training, width: int) -> None:
        self.library, self.training = library, training
        own = own_numbers(len(library.roles))._replace(outputs=_outputs(library.roles))
        draws = [library.draw(width, seed) for seed in range(WIDE_DRAWS)]
        _check_seed(width, draws)
        self.first = draws[0]
        self._outputs = [network.outputs() for network in draws]
        _check_finite(width, self._outputs)
        self.wide_start: list[Start] = [network.start(own) for network in draws]
        self.wide: Wide = read_wide(width, library.roles, draws)

    def wide_network(self, seed: int) -> tuple[AbstractNetwork, Numbers]:
        """The wide network itself with its own numbers."""
        return self.library.draw(self.wide.width, seed), own_numbers(len(self.library.roles))

    def start_losses(self, points: Points, seeds: int) -> np.ndarray:
        """Logarithm of the loss that draws of the wide network start with, before the first step."""
        chosen = slice(None) if self.training.batches is None else self.training.batches[0]
        for seed in range(len(self._outputs), min(seeds, START_DRAWS)):
            self._outputs.append(self.library.draw(self.wide.width, seed).outputs())
        losses = [
            start_loss(self.training.loss, outputs[chosen], points.y[chosen])
            for outputs in self._outputs
        ]
        return np.log(np.maximum(losses, 1e-300))

    def drawn(self, proxy_width: int, seed: int) -> tuple[AbstractNetwork, Numbers]:
        """A narrow network with the numbers that make it stand for the wide one, which is its own proxy."""
        network, numbers, _ = self._drawn(proxy_width, seed)
        return network, numbers

    def check(self, proxy_width: int, seeds: int) -> tuple[str, ...]:
        """Refuse what does not carry over to networks of a width; what to know of it, in sentences."""
        drawn = [self._drawn(proxy_width, seed) for seed in range(seeds)]
        roles, widths = self.library.roles, (self.wide.width, proxy_width)
        notes = check_arrays(roles, self.wide, (proxy_width, drawn[0][0].sizes()))
        starts = [network.start(numbers) for network, numbers, _ in drawn]
        try:
            self.start_check = check_start(roles, widths, self.wide_start, starts)
        except InputError:  # which may be the scatter of a few narrow draws
            more = (self.drawn(proxy_width, seed) for seed in range(seeds, MORE_DRAWS))
            starts += [network.start(numbers) for network, numbers in more]
            self.start_check = check_start(roles, widths, self.wide_start, starts)
        return (*notes, *drawn[0][2])

    def _drawn(
        self, proxy_width: int, seed: int
    ) -> tuple[AbstractNetwork, Numbers, tuple[str, ...]]:
        if proxy_width == self.wide.width:
            return *self.wide_network(seed), ()
        narrow = self.library.draw(proxy_width, seed)
        network, notes = self.library.with_constants(
            narrow, self.first, self.wide.width / proxy_width
        )
        network.rates = self.first.rates
        numbers = proxy_numbers(
            self.library.roles,
            self.training.optimizer,
            self.wide,
            (proxy_width, network.sizes()),
            seed,
        )
        return network, numbers, notes


def _outputs(roles: ArrayRoles) -> frozenset[int]:
    return frozenset(k for k, each in enumerate(roles) if each.role == "output")


def _check_finite(width: int, outputs: Sequence[np.ndarray]) -> None:
    """Refuse a wide network whose outputs are no numbers before it is trained."""
    lost = sum(int((~np.isfinite(each)).sum()) for each in outputs)
    if lost:
        raise InputError(
            "the outputs of the wide network must be finite at its start",
            received=f"{lost} of {sum(each.size for each in outputs)} outputs of {len(outputs)} networks of "
            f"width {width} that are NaN or infinite",
            cause="numbers out of range at this width, a logarithm of what is not positive, or a root at "
            "zero",
            fix="call the network on its own",
        )


def _check_seed(width: int, draws: Sequence[AbstractNetwork]) -> None:
    """Refuse a build whose networks are all the same one, which would scatter by nothing."""
    if draws[0].sizes() == draws[1].sizes():
        raise InputError(
            "build must draw another network for every seed",
            received=f"the same arrays at width {width} for seeds 0 and 1",
            cause="a random state with a constant seed inside build, a checkpoint, or a network made once",
            fix="draw with the seed that build is called with",
        )
