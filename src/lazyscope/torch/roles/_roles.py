"""Which role has each parameter of a module?"""

from collections.abc import Mapping, Sequence
from typing import final

from lazyscope._checks import InputError
from lazyscope._trace import ArrayRoles, Place, array_roles, place_of
from lazyscope.observe import TWO_WIDTHS, Build, DescribedModule, drawn, roles_between
from lazyscope.torch._question import Question
from lazyscope.torch.kernel._kernel import MEMORY, Examples, Prepared, look
from lazyscope.torch.kernel._probe import Sketch
from lazyscope.torch.roles._dataflow import feeds_of


def roles_of(
    build: Build, x: Examples, widths: Sequence[int] = TWO_WIDTHS, *, seed: int = 0
) -> ArrayRoles:
    """What every parameter of a module does: input, hidden, output, none of its sides grows; readout.

    The same record as `lazyscope.roles_of` makes of JAX functions.

    Args:
        build: ``build(width, seed)`` -> a module, or (module, ...) as for `lazyscope.coordinate_check`.
        x: a few examples.
        widths: two widths, of which everything that differs between them is taken to grow.
        seed: handed to `build`.

    Returns:
        An `ArrayRoles`: an `ArrayRole` for each trainable parameter, by the names of
        ``named_parameters()``.

    Raises:
        InputError: what `tangent_kernel` refuses; a build that cannot be called or ignores the width.

    Cost: a few forward passes at both widths.
    Trust: as for `lazyscope.roles_of`.

    Example:
        >>> import torch
        >>> def build(width, seed):
        ...     return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Linear(width, 1))
        >>> print(roles_of(build, torch.ones(2, 3)))
        0.weight  [64*, 3]          input  dense
        0.bias    [64*]             input  shift
        1.weight  [1, 64*]          output  dense  readout
        1.bias    [1]               fixed  shift
    """
    networks = [_Looked(each, x) for each in drawn(build, widths, seed)]
    return roles_between(networks, widths)


@final
class _Looked:
    """A module that was looked at on some examples."""

    def __init__(self, made: object, x: Examples) -> None:
        if not isinstance(made, DescribedModule):
            raise InputError(
                "build must return a PyTorch module",
                received=f"a {type(made).__name__} of a JAX function",
                cause="a model of another library",
                fix="use lazyscope.roles_of",
            )
        self._prepared: Prepared = look(made.module, x, None, MEMORY)
        self.shapes = tuple(tuple(p.shape) for p in self._prepared.question.parameters)

    def roles(self, growing: Mapping[int, Sequence[int]]) -> ArrayRoles:
        """The roles, given the axes that grow."""
        return roles_in(self._prepared.question, self._prepared.sketch, growing)


def roles_in(
    question: Question, sketch: Sketch, growing: Mapping[int, Sequence[int]]
) -> ArrayRoles:
    """The roles of the parameters of a module; `growing` has axes by numbers of parameters."""
    shapes = [tuple(p.shape) for p in question.parameters]
    places: dict[int, list[Place]] = {}
    for use in sketch.uses:
        k = use.view.parameter
        if use.direct:
            place = Place(use.kind)
        else:
            numbers = use.arrange(use.view.numbers()).mT.numpy(force=True)
            place = place_of(use.kind, numbers, shapes[k])
        places.setdefault(k, []).append(place)
    for k, reasons in sketch.reasons.items():
        places.setdefault(k, []).extend(Place("other") for _ in reasons)
    return array_roles(question.names, shapes, growing, places, feeds_of(question, growing))
