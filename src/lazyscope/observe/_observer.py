"""What does any training loop do to a JAX function, seen now and then from its parameters?"""

import functools
import time
from collections.abc import Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError
from lazyscope._types import Apply, Params
from lazyscope.kernel._generic_blocks import checked
from lazyscope.kernel._generic_question import Question, asking, pose
from lazyscope.model import Grouping
from lazyscope.observe._abstract import AbstractObserver
from lazyscope.observe._cadence import Cadence
from lazyscope.observe._measuring import Numbers, Reference, compiled, norms_and_state
from lazyscope.observe._patterns import find_rectifiers
from lazyscope.observe._record import Measurement, Subject, displacement_fields
from lazyscope.observe._subject import subject_of

MEMORY = 2**30
"""Bytes allowed for one kernel and for its intermediates."""
_MANY_OUTPUTS = 16
"""Beyond so many outputs, the kernel is averaged over as many random directions instead."""
_DEFAULT_CADENCE = Cadence()


@final
class Observer(AbstractObserver):
    """Watch any training of a JAX function: told once about it, shown its parameters now and then.

    Args:
        apply: ``apply(params, x) -> (n, C)``, each example on its own, without randomness or state; for
            modules of Equinox and Flax NNX see `as_function`. It is traced once, here: arrays that it
            closes over stay what they are now.
        params_0: the parameters at the start, any tree of real arrays of one precision.
        x_probe: inputs (n, ...) at which functions, kernels and patterns are compared; a look costs about
            (2 + 3 C) forward passes of them.
        y_probe: their targets (n, C); None leaves out what needs targets.
        groups: as for `function_problem`: a function of an array's name, or a tree of names that is a
            prefix of `params_0`. By default the arrays of one layer make a group: those whose names
            differ in the last part only.
        cadence: when `due` says yes.

    Raises:
        InputError: all that `lazyscope.tangent_kernel` refuses (wrong rank, examples mixed within the
            batch, randomness, state, parameters that cannot be differentiated, mixed precision), targets
            of another shape, groups that do not fit, too many probe points.

    Making it compiles one program, which takes seconds; see ``setup_seconds``. Above 16 outputs the kernel
    is averaged over 16 random directions in output space instead of all outputs.

    Trust: displacements exact to rounding, operator norms as `lazyscope.measure.operator_norm`;
    everything in the precision of the parameters, so in single precision a distance from the linearised
    network below about 1e-6 of the outputs is rounding.

    Example:
        >>> linear = lambda w, x: x @ w
        >>> x = jnp.asarray([[1.0, 0.0], [0.0, 2.0]])
        >>> observer = Observer(linear, jnp.ones((2, 1)), x, jnp.zeros((2, 1)))
        >>> look = observer.observe(jnp.zeros((2, 1)), step=1)
        >>> look.measurement.total, look.measurement.kernel_change
        (1.0, 0.0)
    """

    def __init__(
        self,
        apply: Apply,
        params_0: Params,
        x_probe: Float[Array, "n ..."],
        y_probe: Float[Array, "n C"] | None = None,
        *,
        groups: Grouping | None = None,
        cadence: Cadence = _DEFAULT_CADENCE,
    ) -> None:
        start = time.perf_counter()
        with asking(params_0):
            question = pose(apply, params_0, x_probe, None)
            checked(question, MEMORY, _no_program)
            example = question.example
            _check_size(len(question.x1), example.num_outputs, question.leaves[0].dtype.itemsize)
            junctions = find_rectifiers(example)
            mixing = _directions(example.num_outputs, example.dtype)
            self._reference = Reference(
                tuple(example.closed.consts),
                question.context,
                question.leaves,
                question.x1,
                _targets(question, y_probe),
                mixing,
            )
            self._treedef = question.treedef
            self._subject = subject_of(
                question, groups, y_probe is not None, _notes(junctions, mixing)
            )
            program = compiled(example, junctions)
            norms, state = norms_and_state(program, example, junctions, self._reference)
            self._start_norms = [np.asarray(n, float) for n in (norms.moved, norms.moved_operator)]
            self._compare = functools.partial(program, self._reference, state)
        measurement = self._measure(params_0)
        again = time.perf_counter()
        self._measure(params_0)
        end = time.perf_counter()
        self._begin(self._subject, measurement, cadence, end - start, end - again)

    def _settle(self, params: Params) -> None:
        jax.block_until_ready(params)

    def _measure(self, params: Params) -> Measurement:
        with asking(params):
            leaves = self._leaves(params)
            numbers: Numbers = jax.device_get(self._compare(leaves)[0])
        moved = displacement_fields(
            self._subject,
            (numbers.moved, self._start_norms[0]),
            (numbers.moved_operator, self._start_norms[1]),
        )
        undefined = ("probe_loss", "target_alignment", "linearisation_gap", "flipped")
        scalars: dict[str, Any] = dict.fromkeys(undefined, float("nan"))
        scalars |= {name: float(value) for name, value in numbers.scalars.items()}
        return Measurement(**moved, **scalars)

    def _leaves(self, params: Params) -> tuple[Any, ...]:
        """The arrays of parameters that have the tree and the shapes of those at the start."""
        leaves, treedef = jax.tree.flatten(params)
        at_start = self._reference.leaves
        shapes = [np.shape(leaf) for leaf in leaves]
        if treedef != self._treedef or shapes != [leaf.shape for leaf in at_start]:
            raise InputError(
                "parameters must be of the network that the observer was told about",
                received=_difference(self._subject, treedef, self._treedef, shapes),
                cause="another model, a tree that holds the state of the optimizer as well, or "
                "parameters of another width",
                fix="pass the tree that the loss is differentiated with respect to",
            )
        return tuple(jnp.asarray(a, b.dtype) for a, b in zip(leaves, at_start, strict=True))


def _no_program(plan: Any) -> None:
    """Nothing: `checked` is called for its checks."""


def _difference(subject: Subject, treedef: Any, expected: Any, shapes: Sequence[Any]) -> str:
    if treedef != expected:
        return f"another tree, {str(treedef)[:100]}, for {str(expected)[:100]}"
    pairs = zip(subject.leaves, shapes, subject.shapes, strict=True)
    name, found, wanted = next((n, a, b) for n, a, b in pairs if a != b)
    return f"{name} of shape {found} for {wanted}"


def _targets(question: Question, y: Any) -> Any:
    if y is None:
        return None
    wanted = (len(question.x1), question.example.num_outputs)
    if np.shape(y) != wanted:
        raise InputError(
            "y_probe must hold a target for every probe point and output",
            received=f"shape {np.shape(y)} for {wanted[0]} points and {wanted[1]} outputs",
            cause="class labels instead of one-hot targets, or targets of other points",
            fix=f"give an array of shape {wanted}, for class labels jax.nn.one_hot(labels, "
            f"{wanted[1]})",
        )
    return jnp.asarray(np.asarray(y), question.example.dtype)


def _check_size(points: int, outputs: int, itemsize: int) -> None:
    used = min(outputs, _MANY_OUTPUTS)
    needed = (points * used) ** 2 * itemsize
    if needed > MEMORY:
        raise InputError(
            "the kernel of the probe points must fit the memory",
            received=f"{points} points and {outputs} outputs, {needed / 2**30:.1f} GiB",
            cause="the training set given as probe points",
            fix="give some tens to hundreds of points; a look costs time too",
        )


def _directions(outputs: int, dtype: Any) -> Any:
    """Random signs (C, 16), such that the mean over directions is that over outputs on average."""
    if outputs <= _MANY_OUTPUTS:
        return None
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (outputs, _MANY_OUTPUTS))
    return jnp.asarray(signs / np.sqrt(outputs), dtype)


def _notes(junctions: Any, mixing: Any) -> tuple[str, ...]:
    notes = []
    if not junctions:
        notes.append(
            "No rectifiers were found in the network, so there are no patterns that could flip."
        )
    if mixing is not None:
        notes.append(
            f"The kernel is averaged over {mixing.shape[1]} random directions in output space, not over "
            f"all {mixing.shape[0]} outputs."
        )
    return tuple(notes)
