"""What is asked of a network at one width, whatever library it was written in?"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, final

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._jax import kept, kept_params, own_settings
from lazyscope._provenance import versions
from lazyscope._trace import (
    ArrayRoles,
    asking,
    coarsest,
    pose,
    roles_in,
    wide,
    wide_type,
    without_effects,
)
from lazyscope.kernel.any_function import MEMORY, checked
from lazyscope.observe import Described, DescribedModule, subject_of
from lazyscope.study.coordinates._readout import Growing, Outline
from lazyscope.study.coordinates._run import Arrays, FirstSteps, program

PUSH = 1.0
"""Steps in units of n / largest eigenvalue."""


class Network(Protocol):
    """One drawn network with its points."""

    num_points: int
    num_outputs: int
    versions: Mapping[str, str]
    notes: tuple[str, ...]
    described: Described | DescribedModule

    def check(self) -> None:
        """Refuse what has no tangent kernel."""
        ...

    def outline(self) -> Outline:
        """What its arrays are called and how large they are."""
        ...

    def roles(self, growing: Growing) -> ArrayRoles:
        """What its arrays do, given the axes that grow with the width."""
        ...

    def is_zero(self, leaf: int) -> bool:
        """Whether an array starts at zero."""
        ...

    def first_steps(
        self, y: Any, axes: Sequence[int | None], rates: np.ndarray, steps: int
    ) -> FirstSteps:
        """Measure, descend, measure again; once only."""
        ...


def network_of(described: Described | DescribedModule, x: Any) -> Network:
    """The network in the words of its library. PyTorch is imported for its own modules only."""
    return (JaxNetwork if isinstance(described, Described) else TorchNetwork)(described, x)  # pyright: ignore[reportArgumentType]


@final
class JaxNetwork:
    """A JAX function with its parameters, which may change or go after it is made.

    Attributes:
        params: its parameters, kept.
        question: what is asked of it.
        example: its equations.
        context: what they need beside parameters and points.
    """

    def __init__(self, described: Described, x: Any) -> None:
        self.described: Described | DescribedModule = described
        self.versions: Mapping[str, str] = {}
        with own_settings(double=False), asking(described.params):
            self.params = _in_one_precision(kept_params(described.params))
            self.question = pose(described.apply, self.params, x, None)
            example = without_effects(self.question.example)
            closed = example.closed.replace(consts=kept(list(example.closed.consts)))
            self.example = example._replace(closed=closed)
            self.context = kept(self.question.context)
        self.num_points = len(self.question.x1)
        self.num_outputs = self.question.example.num_outputs
        worst = coarsest(example)
        self.notes: tuple[str, ...] = ()
        if jnp.finfo(worst).eps > np.finfo(np.float32).eps:
            rounded = f"{worst}, rounding by {jnp.finfo(worst).eps:.0e} at every step"
            self.notes = (
                f"Parts of the network compute in {rounded}: smaller changes may be rounding.",
            )

    def check(self) -> None:
        """Refuse what has no tangent kernel."""
        with own_settings(double=False), asking(self.params):
            checked(self.question, MEMORY, _no_program)

    def outline(self) -> Outline:
        """What its arrays are called and how large they are."""
        with own_settings(double=False), asking(self.params):
            found = subject_of(self.question, self.described.groups, True, ())
        return Outline(found.groups, found.parameter_group, found.shapes, found.parameters)

    def roles(self, growing: Growing) -> ArrayRoles:
        """What its arrays do."""
        return roles_in(self.example, self.outline().names, growing)

    def is_zero(self, leaf: int) -> bool:
        """Whether an array starts at zero."""
        return not np.asarray(self.question.leaves[leaf]).any()

    def first_steps(
        self, y: Any, axes: Sequence[int | None], rates: np.ndarray, steps: int
    ) -> FirstSteps:
        """Measure, descend, measure again, in the precision of the parameters."""
        question, example = self.question, self.example
        with own_settings(double=False), asking(self.params):
            run = program(example, axes, steps=steps, push=PUSH)
            arrays = Arrays(tuple(example.closed.consts), self.context, question.leaves)
            kind = wide_type([*question.leaves, example])
            by_leaf, targets = (jnp.asarray(np.asarray(a), kind) for a in (rates, y))
            return jax.device_get(run(arrays, by_leaf, question.x1, targets))


def _in_one_precision(params: Any) -> Any:
    """Short or mixed precisions in the widest that there is, at least single; descent needs its digits."""
    real = [
        leaf
        for leaf in jax.tree.leaves(params)
        if jnp.issubdtype(getattr(leaf, "dtype", np.int32), np.floating)
    ]
    if len({leaf.dtype for leaf in real}) < 2 and all(leaf.dtype.itemsize >= 4 for leaf in real):
        return params
    kind = wide_type(real)
    return jax.tree.map(
        lambda leaf: (
            wide(leaf, kind)
            if jnp.issubdtype(getattr(leaf, "dtype", np.int32), np.floating)
            else leaf
        ),
        params,
    )


@final
class TorchNetwork:
    """A copy of a PyTorch module, in double precision."""

    def __init__(self, described: DescribedModule, x: Any) -> None:
        from lazyscope.torch.steps import prepare_copy

        self.described: Described | DescribedModule = described
        self.notes: tuple[str, ...] = ()
        self._groups = described.groups
        self._prepared = prepare_copy(described.module, x)
        self.versions: Mapping[str, str] = versions("torch")
        self.num_points = len(self._prepared.question.x1)
        self.num_outputs = self._prepared.sketch.num_outputs

    def check(self) -> None:
        """Nothing: the copy was checked when it was made."""

    def outline(self) -> Outline:
        """What its parameters are called and how large they are."""
        from lazyscope.torch.steps import in_order_of_use

        question, sketch, _ = self._prepared
        groups, numbers = in_order_of_use(question, sketch, self._groups)
        shapes = tuple(tuple(p.shape) for p in question.parameters)
        return Outline(groups, numbers, shapes, tuple(question.names))

    def roles(self, growing: Growing) -> ArrayRoles:
        """What its parameters do."""
        from lazyscope.torch.roles import roles_in as roles_in_module

        return roles_in_module(self._prepared.question, self._prepared.sketch, growing)

    def is_zero(self, leaf: int) -> bool:
        """Whether a parameter starts at zero."""
        return not bool(self._prepared.question.parameters[leaf].any())

    def first_steps(
        self, y: Any, axes: Sequence[int | None], rates: np.ndarray, steps: int
    ) -> FirstSteps:
        """Measure, descend, measure again."""
        from lazyscope.torch.steps import first_steps

        by_parameter = [float(rate) for rate in rates]
        found: Any = first_steps(self._prepared, np.asarray(y), axes, by_parameter, steps, PUSH)
        return FirstSteps(*found)


def _no_program(plan: Any) -> None:
    """Nothing: `checked` is called for its checks."""
