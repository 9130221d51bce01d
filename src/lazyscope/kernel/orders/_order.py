"""What is an order of contraction, what does it cost, and which one is chosen?

With data x and signals g at positions s a gradient of one example is ``sum_s x_s g_s^T``, and the share
of an array in the kernel is the inner product of two of them. The orders in which it can be summed give
the same numbers at different costs, which are counted here for JAX and PyTorch alike.
"""

import abc
import inspect
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from lazyscope._trace import Pixels

ELEMENTWISE = 50
"""What one element read and written costs, in multiply-adds of a matrix product (measured: 20-80)."""

PairT = TypeVar("PairT")
KernelT = TypeVar("KernelT")


class GroupShape(NamedTuple):
    """Sizes of uses of the same entries of an array: ``out[b, s, o] = sum_i data[b, s, i] w[b, i, o]``.

    Attributes:
        blocks: b.
        positions: s, of all uses together.
        inputs: i.
        outputs: o.
        num_outputs: C, of the network.
        lookups: whether the data are row numbers.
        crossed: whether some uses are of the transposed array.
        pixels: the image that data were cut from, if they are patches of a single one.
    """

    blocks: int
    positions: int
    inputs: int
    outputs: int
    num_outputs: int
    lookups: bool = False
    crossed: bool = False
    pixels: Pixels | None = None

    @property
    def data(self) -> int:
        """Numbers of data at one position."""
        return 1 if self.lookups else self.inputs

    @property
    def pointwise(self) -> int:
        """What an element costs that is multiplied outside of a matrix product, if any is."""
        return ELEMENTWISE if self.positions > 1 or self.blocks > 1 else 1


class Block(NamedTuple):
    """So many examples on each side; ``columns=None`` is a block against itself.

    `cache` bytes of gradients are held at a time, in numbers of `itemsize` bytes.
    """

    rows: int
    columns: int | None
    itemsize: int
    cache: float

    @property
    def both(self) -> int:
        """Examples of both sides."""
        return self.rows if self.columns is None else self.rows + self.columns

    @property
    def pairs(self) -> int:
        """Pairs of examples."""
        return self.rows * (self.rows if self.columns is None else self.columns)

    @property
    def computed(self) -> float:
        """Pairs that are computed: half of them where the kernel is symmetric."""
        return self.pairs / 2 if self.columns is None else self.pairs


class Held(NamedTuple):
    """Numbers that intermediates hold beside data and signals: for each example, and for all pairs."""

    each: float = 0.0
    paired: float = 0.0


@dataclass(frozen=True)
class AbstractOrder(abc.ABC, Generic[PairT, KernelT]):
    """One order of contraction, for groups of a shape and blocks of a size.

    Attributes:
        name: as explanations print it.
        rank: among orders that cost the same the lowest is taken.
        takes_rows: whether lookups stay row numbers instead of one-hot data.
    """

    name: ClassVar[str]
    rank: ClassVar[int]
    takes_rows: ClassVar[bool] = False

    shape: GroupShape
    block: Block

    @classmethod
    def suits(cls, shape: GroupShape) -> bool:
        """Whether a group of this shape can be contracted in this order, and gains by it."""
        return True

    @property
    def pixels(self) -> Pixels | None:
        """The image that is taken in place of its patches, if it is."""
        return None

    @abc.abstractmethod
    def cost(self) -> float:
        """Multiply-adds of a matrix product that would take as long."""

    @abc.abstractmethod
    def held(self) -> Held:
        """How many numbers it holds, from above."""

    @abc.abstractmethod
    def contract(self, pair: PairT) -> KernelT:
        """The share of the group in the kernel of two blocks of examples."""


def cheapest(orders: Iterable[AbstractOrder[Any, Any]]) -> AbstractOrder[Any, Any]:
    """The order of least cost."""
    return min(orders, key=lambda order: (order.cost(), order.rank))


def column_chunks(shape: GroupShape, block: Block) -> int:
    """Into how many equal parts outputs are cut for the cache to hold the gradients of one."""
    b, i, o, c = shape.blocks, shape.inputs, shape.outputs, shape.num_outputs
    wanted = block.both * c * b * i * o * block.itemsize / block.cache
    return next((q for q in range(1, o) if o % q == 0 and q >= wanted), o)


def orders_in(package: str, path: Sequence[str]) -> tuple[type[AbstractOrder[Any, Any]], ...]:
    """All orders that the modules of a package define, by rank."""
    modules = [import_module(f"{package}.{each.name}") for each in pkgutil.iter_modules(path)]
    found = [
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, AbstractOrder)
        if value.__module__ == module.__name__ and not inspect.isabstract(value)
    ]
    return tuple(sorted(found, key=lambda order: order.rank))
