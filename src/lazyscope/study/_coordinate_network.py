"""What is asked of a network at one width, whatever library it was written in?"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope.kernel._generic_blocks import MEMORY, checked
from lazyscope.kernel._generic_question import asking, pose
from lazyscope.observe._subject import subject_of
from lazyscope.study._coordinate_build import Described, DescribedModule
from lazyscope.study._coordinate_run import Arrays, FirstSteps, program

PUSH = 1.0
"""Steps in units of n / largest eigenvalue."""


class Outline(NamedTuple):
    """Groups in order of use; the group, by number, and the shape of every array."""

    groups: tuple[str, ...]
    leaf_group: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


class Network(Protocol):
    """One drawn network with its points."""

    num_points: int
    num_outputs: int
    versions: Mapping[str, str]

    def check(self) -> None:
        """Refuse what has no tangent kernel."""
        ...

    def outline(self) -> Outline:
        """What its arrays are called and how large they are."""
        ...

    def first_steps(
        self, y: Any, axes: Sequence[int | None], rates: np.ndarray, steps: int
    ) -> FirstSteps:
        """Measure, descend, measure again; once only."""
        ...


def network_of(described: Described | DescribedModule, x: Any) -> Network:
    """The network in the words of its library. PyTorch is imported for its own modules only."""
    return (JaxNetwork if isinstance(described, Described) else TorchNetwork)(described, x)  # pyright: ignore[reportArgumentType]


class JaxNetwork:
    """A JAX function with its parameters."""

    def __init__(self, described: Described, x: Any) -> None:
        self._described = described
        self.versions: Mapping[str, str] = {}
        with asking(described.params):
            self._question = pose(described.apply, described.params, x, None)
        self.num_points = len(self._question.x1)
        self.num_outputs = self._question.example.num_outputs

    def check(self) -> None:
        """Refuse what has no tangent kernel."""
        with asking(self._described.params):
            checked(self._question, MEMORY, _no_program)

    def outline(self) -> Outline:
        """What its arrays are called and how large they are."""
        with asking(self._described.params):
            found = subject_of(self._question, self._described.groups, True, ())
        return Outline(found.groups, found.leaf_group, found.shapes)

    def first_steps(
        self, y: Any, axes: Sequence[int | None], rates: np.ndarray, steps: int
    ) -> FirstSteps:
        """Measure, descend, measure again, in the precision of the parameters."""
        question, example = self._question, self._question.example
        with asking(self._described.params):
            run = program(example, axes, steps=steps, push=PUSH)
            arrays = Arrays(tuple(example.closed.consts), question.context, question.leaves)
            numbers = (jnp.asarray(np.asarray(a), example.dtype) for a in (rates, y))
            by_leaf, targets = numbers
            return jax.device_get(run(arrays, by_leaf, question.x1, targets))


class TorchNetwork:
    """A copy of a PyTorch module, in double precision."""

    def __init__(self, described: DescribedModule, x: Any) -> None:
        from lazyscope.observe import provenance
        from lazyscope.torch._first_steps import prepare_copy

        self._groups = described.groups
        self._prepared = prepare_copy(described.module, x)
        self.versions: Mapping[str, str] = {"torch": provenance("torch")["torch"]}
        self.num_points = len(self._prepared.question.x1)
        self.num_outputs = self._prepared.sketch.num_outputs

    def check(self) -> None:
        """Nothing: the copy was checked when it was made."""

    def outline(self) -> Outline:
        """What its parameters are called and how large they are."""
        from lazyscope.torch._parameter_groups import in_order_of_use

        question, sketch, _ = self._prepared
        groups, numbers = in_order_of_use(question, sketch, self._groups)
        return Outline(groups, numbers, tuple(tuple(p.shape) for p in question.parameters))

    def first_steps(
        self, y: Any, axes: Sequence[int | None], rates: np.ndarray, steps: int
    ) -> FirstSteps:
        """Measure, descend, measure again."""
        from lazyscope.torch._first_steps import first_steps

        by_parameter = [float(rate) for rate in rates]
        found: Any = first_steps(self._prepared, np.asarray(y), axes, by_parameter, steps, PUSH)
        return FirstSteps(*found)


def _no_program(plan: Any) -> None:
    """Nothing: `checked` is called for its checks."""
