"""What is measured of one network that is trained, whatever library it was written in?"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from lazyscope._trace import ArrayRoles
from lazyscope.study.coordinates._readout import Growing, Outline
from lazyscope.study.coordinates.trained._family import Family


class Steps(NamedTuple):
    """What the steps of a training did; axes are steps (T), arrays (K), softmaxes (A).

    Attributes:
        size: rms of the entries at the start (K,).
        share: part of the readouts in the tangent kernel at the start (K,), NaN for others.
        displacement: |w(t) - w(0)| / |w(0)| (T, K); NaN where it starts at zero.
        own: |(w(t) - w(0)) x| / |w(0) x| (T, K); the numerator alone where it starts at zero.
        reach: by how much the step of each array lowers the loss, to first order (T, K).
        output: rms of the outputs at the start.
        output_change: rms of their change (T,).
        scores: rms of what goes into softmaxes at the start (A,).
        score_change: rms of its change (T, A).
        loss: before every step and at the end (T + 1,).
    """

    size: np.ndarray
    share: np.ndarray
    displacement: np.ndarray
    own: np.ndarray
    reach: np.ndarray
    output: float
    output_change: np.ndarray
    scores: np.ndarray
    score_change: np.ndarray
    loss: np.ndarray


class TrainedNetwork(Protocol):
    """One drawn network with its points and who trains it; it is trained once only."""

    versions: Mapping[str, str]
    notes: tuple[str, ...]
    rates: np.ndarray | None
    """Factors of the learning rate, of a training by name."""

    def outline(self) -> Outline:
        """What its arrays are called and how large they are."""
        ...

    def roles(self, growing: Growing) -> ArrayRoles:
        """What its arrays do, given the axes that grow."""
        ...

    def zeros(self) -> tuple[bool, ...]:
        """Which arrays start at zero."""
        ...

    def products(self) -> tuple[tuple[int, frozenset[int]], ...]:
        """Lengths over which data are multiplied with data, and the arrays that wrote them."""
        ...

    def families(self) -> tuple[Family, ...]:
        """What the optimiser does with every array."""
        ...

    def train(self, axes: Sequence[int | None], readouts: Sequence[int]) -> Steps:
        """Train it, and measure."""
        ...
