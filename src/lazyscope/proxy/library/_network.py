"""What is asked of a network drawn at one width, whatever library it was written in?"""

import abc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles
from lazyscope.proxy._training import Training


class ArraySize(NamedTuple):
    """What is read of one array as it was drawn.

    Attributes:
        shape: of the array.
        rms: root mean square of its entries.
        mean: of its entries.
        absolute: mean of their sizes.
        zeros: share of entries that are zero.
        constant: the value that all entries have; None where they differ.
    """

    shape: tuple[int, ...]
    rms: float
    mean: float
    absolute: float
    zeros: float
    constant: float | None


class Numbers(NamedTuple):
    """What a network is trained with instead of its own numbers, entries per array.

    Attributes:
        entries: factors of the entries.
        values: arrays that are put in place of drawn ones, by their numbers.
        rate: factors of the learning rate.
        epsilon: factors of the optimiser's epsilon.
        decay: factors of the weight decay.
        share: what is left of what the output arrays write at the start.
        outputs: numbers of the output arrays.
    """

    entries: tuple[float, ...]
    values: Mapping[int, np.ndarray]
    rate: tuple[float, ...]
    epsilon: tuple[float, ...]
    decay: tuple[float, ...]
    share: float
    outputs: frozenset[int]


class Start(NamedTuple):
    """How large things are at the start.

    Attributes:
        gradient: Frobenius norm of the gradient of sum_i v_i . f(x_i) by each array, v fixed.
        output: rms of what the output arrays write, before it is shifted.
        seconds: processor time of one such gradient, compiled.
    """

    gradient: np.ndarray
    output: float
    seconds: float


class Trained(NamedTuple):
    """One training.

    Attributes:
        loss: before every step, and after the last; of the step's own points where there are batches,
            but the last of all points.
        moved: operator norm of the change of every array, as it was measured.
        seconds: processor time, without compilation.
    """

    loss: np.ndarray
    moved: np.ndarray
    seconds: float


class Sharpness(NamedTuple):
    """The largest eigenvalue of the kernel over n, with rates in units of that of the training.

    Of the squared loss; of another it is that of the kernel times the second derivative of the loss by the
    outputs. Gradient descent with a rate of more than two over it leaves the direction.

    Attributes:
        first: at the start.
        last: after the training; NaN where it diverged.
    """

    first: float
    last: float


class AbstractNetwork(abc.ABC):
    """One network, drawn at one width with one seed. Nothing here changes it.

    Attributes:
        rates: learning rate of every array, in units of that of the training.
        num_outputs: C.
    """

    rates: np.ndarray
    num_outputs: int

    @abc.abstractmethod
    def sizes(self) -> tuple[ArraySize, ...]:
        """How large its arrays are."""

    @abc.abstractmethod
    def norms(self) -> tuple[float, ...]:
        """Operator norm of every array as a matrix, the Euclidean norm of a vector."""

    @abc.abstractmethod
    def values(self, array: int) -> np.ndarray:
        """One array."""

    @abc.abstractmethod
    def outputs(self) -> np.ndarray:
        """Its own outputs at the start, shape (n, C)."""

    @abc.abstractmethod
    def start(self, numbers: Numbers) -> Start:
        """Sizes at the start, with these numbers."""

    @abc.abstractmethod
    def train(self, training: Training, numbers: Numbers) -> Trained:
        """Train it on all of its points, with these numbers."""

    @abc.abstractmethod
    def train_sharp(
        self, training: Training, numbers: Numbers, speed: Sequence[float]
    ) -> tuple[Trained, Sharpness]:
        """The same, with the sharpness at both ends; `speed` are factors of rates of plain descent."""

    @abc.abstractmethod
    def identity(self) -> str:
        """Words that are the same for networks of the same equations only."""


class AbstractLibrary(abc.ABC):
    """Networks of one build, written in one library, on given points.

    Attributes:
        roles: what every array does.
    """

    roles: ArrayRoles

    def own_training(self, training: Training, told: frozenset[str]) -> Training:
        """The training, with what the build itself says of the optimiser; `told` are the fields given."""
        del told
        return training

    @abc.abstractmethod
    def draw(self, width: int, seed: int) -> AbstractNetwork:
        """A network."""

    @abc.abstractmethod
    def with_constants(
        self, narrow: AbstractNetwork, wide: AbstractNetwork, ratio: float
    ) -> tuple[AbstractNetwork, tuple[str, ...]]:
        """The narrow network with the wide one's constants, and sentences on what that leaves open."""


def own_numbers(count: int) -> Numbers:
    """Those of a network that stands for itself."""
    ones = (1.0,) * count
    return Numbers(ones, {}, ones, ones, ones, 1.0, frozenset())


def check_outputs_fit(num_outputs: int, y: np.ndarray) -> int:
    """The number of outputs, refused where targets have another, which would be spread over them."""
    if y.shape[1] == num_outputs:
        return num_outputs
    raise InputError(
        "targets must fit the points and the outputs of the network",
        received=f"{tuple(y.shape)} for {num_outputs} outputs",
        cause="a network with another number of outputs than the data has",
        fix=f"give targets of shape ({len(y)}, {num_outputs})",
    )


def array_size(array: np.ndarray) -> ArraySize:
    """What is read of one drawn array."""
    flat = np.asarray(array, float).ravel()
    first = float(flat[0]) if flat.size else 0.0
    return ArraySize(
        shape=tuple(array.shape),
        rms=float(np.sqrt(np.mean(flat**2))) if flat.size else 0.0,
        mean=float(flat.mean()) if flat.size else 0.0,
        absolute=float(np.abs(flat).mean()) if flat.size else 0.0,
        zeros=float((flat == 0).mean()) if flat.size else 1.0,
        constant=first if (flat == first).all() else None,
    )


def row_axes(roles: ArrayRoles) -> tuple[int, ...]:
    """The axis of every array that counts the rows of it as a matrix, if it has more than two axes."""
    return tuple(each.growing[-1] if each.growing else 0 for each in roles)


Made = TypeVar("Made")


def timed(work: Callable[[], Made]) -> tuple[Made, float]:
    """A result, and the processor time that it took."""
    began = time.process_time()
    made: Any = work()
    return made, time.process_time() - began
