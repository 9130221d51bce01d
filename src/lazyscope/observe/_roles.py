"""What does each parameter array of a JAX function do, and which of its sides grow with the width?"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, final

import jax
from jaxtyping import Array, Shaped

from lazyscope._checks import InputError, check_count
from lazyscope._jax import own_settings
from lazyscope._trace import (
    ArrayRoles,
    asking,
    growing_axes,
    pose,
    roles_in,
    without_effects,
)
from lazyscope.observe._build import Build, Described, DescribedModule, call_build, check_shapes
from lazyscope.observe._subject import array_names

TWO_WIDTHS = (64, 128)


class Followed(Protocol):
    """A network drawn at one width."""

    def roles(self, growing: Mapping[int, Sequence[int]]) -> ArrayRoles:
        """What its arrays do, given the axes that grow."""
        ...


class Grown(Followed, Protocol):
    """One that tells the shapes of its arrays."""

    shapes: tuple[tuple[int, ...], ...]


def roles_of(
    build: Build,
    x: Shaped[Array, "n ..."],
    widths: Sequence[int] = TWO_WIDTHS,
    *,
    seed: int = 0,
) -> ArrayRoles:
    """What every array of a network does: input, hidden, output, none of its sides grows; tied; readout.

    Which sides of an array grow is seen from its shapes at two widths. What it does is read off the places
    at which it meets data: the axes that a product sums over are its fan-in, those that stay its fan-out.
    An array is *hidden* if both grow, *input* if only the fan-out does (first layers, embeddings, biases
    and scales of units), *output* if only the fan-in does, *fixed* if neither does, and *tied* if its uses
    disagree. The readout is what writes the output alone.

    Args:
        build: ``build(width, seed)`` -> (apply, params), an Equinox or Flax module, as for
            `coordinate_check`. For PyTorch modules there is `lazyscope.torch.roles_of`.
        x: a few examples, as `apply` takes them.
        widths: two widths; everything that differs between them is taken to grow.
        seed: handed to `build`.

    Returns:
        An `ArrayRoles`: an `ArrayRole` for each array, its readouts, and a table as ``str()``.

    Raises:
        InputError: a build that cannot be called, ignores the width or makes other arrays at other widths;
            a function that `tangent_kernel` refuses without comparing numbers.

    Cost: a trace of the network at both widths, and the entries of every array counted once.
    Trust: exact for uses that have a rule (`explain_tangent_kernel` names the others). An array that is
    used in another way, such as a normalised weight, is judged by how many of its axes grow and by
    whether it writes the output. Axes are told apart by their lengths where units are summed: choose
    widths that are no other size of the network.

    Reference: input, hidden and output weights are those of Yang & Hu 2021 (arXiv 2011.14522).

    Example:
        >>> import jax.numpy as jnp
        >>> def build(width, seed):
        ...     params = {"in": jnp.ones((3, width)), "b": jnp.ones(width), "out": jnp.ones((width, 1))}
        ...     return lambda p, x: jnp.tanh(x @ p["in"] + p["b"]) @ p["out"], params
        >>> print(roles_of(build, jnp.ones((2, 3))))
        b    [64*]             input  shift
        in   [3, 64*]          input  dense
        out  [64*, 1]          output  dense  readout
    """
    networks = [_Traced(each, x) for each in drawn(build, widths, seed)]
    return roles_between(networks, widths)


def drawn(
    build: Build, widths: Sequence[int], seed: int
) -> tuple[Described | DescribedModule, Described | DescribedModule]:
    """The networks of two widths that a build makes.

    Raises:
        InputError: not two widths, or a build that cannot be called.
    """
    given = [] if isinstance(widths, str) or not isinstance(widths, Iterable) else list(widths)
    if len(given) != 2 or given[0] == given[1]:
        raise InputError(
            "roles are seen from two widths that differ",
            received=f"{widths!r:.80}",
            cause="a single width, or all widths of a sweep",
            fix="give for instance (64, 128)",
        )
    small, large = sorted(check_count("every width", width, minimum=1) for width in given)
    seed = check_count("seed", seed, minimum=0)
    return call_build(build, small, seed), call_build(build, large, seed)


def roles_between(networks: Sequence[Grown], widths: Sequence[int]) -> ArrayRoles:
    """The roles of the arrays of a network that was drawn at two widths.

    Axes are told apart by their lengths, which may agree by chance at one width: the other width is
    asked too where no readout is found.
    """
    first, second = networks
    check_shapes([first.shapes, second.shapes], sorted(widths))
    growing = growing_axes(first.shapes, second.shapes)
    return clearest(first, second, growing)


def clearest(first: Followed, second: Followed, growing: Mapping[int, Sequence[int]]) -> ArrayRoles:
    """The roles in the first of two networks that has a readout, else in the first."""
    roles = first.roles(growing)
    if roles.readouts:
        return roles
    other = second.roles(growing)
    return other if other.readouts else roles


@final
class _Traced:
    """A JAX function traced on one example."""

    def __init__(self, made: Any, x: Any) -> None:
        if not isinstance(made, Described):
            raise InputError(
                "build must return a JAX function with its parameters",
                received="a PyTorch module",
                cause="a model of another library",
                fix="use lazyscope.torch.roles_of",
            )
        with own_settings(double=False), asking(made.params):
            question = pose(made.apply, made.params, x, None)
            self._example = without_effects(question.example)
            self._names = array_names(jax.tree.unflatten(question.treedef, question.leaves))
        self.shapes = tuple(self._example.leaf_shapes)

    def roles(self, growing: Mapping[int, Sequence[int]]) -> ArrayRoles:
        """The roles, given the axes that grow."""
        return roles_in(self._example, self._names, growing)
