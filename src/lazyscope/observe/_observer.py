"""What does any training loop do to a JAX function, seen now and then from its parameters?"""

import dataclasses
import functools
import time
from collections.abc import Sequence
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Real

from lazyscope._checks import InputError, check_array
from lazyscope._jax import kept, kept_data, kept_params, own_settings
from lazyscope._loss import AbstractLoss, check_rows, check_targets, named_loss
from lazyscope._trace import (
    Question,
    asking,
    coarsest,
    find_rectifiers,
    pose,
    wide_type,
    without_effects,
)
from lazyscope._types import Apply, Params
from lazyscope.kernel.any_function import MEMORY, checked
from lazyscope.model import Grouping
from lazyscope.observe._abstract import AbstractObserver
from lazyscope.observe._cadence import DEFAULT_CADENCE, Cadence, check_cadence
from lazyscope.observe._groups import in_words
from lazyscope.observe._record import SERIES, Measurement, Subject
from lazyscope.observe._subject import subject_of
from lazyscope.observe.readings import (
    Numbers,
    Reference,
    Seen,
    can_linearise,
    compiled,
    displacement_fields,
    norms_and_state,
)

MANY_OUTPUTS = 16
"""Beyond so many outputs, the kernel is averaged over as many random directions instead."""
_SINGLE = float(np.finfo(np.float32).eps)


@final
class Observer(AbstractObserver):
    """Watch any training of a JAX function: told once about it, shown its parameters now and then.

    Args:
        apply: ``apply(params, x) -> (n, C)``, each example on its own, without randomness or state; for
            modules of Equinox and Flax see `as_function`. It is traced once, here: arrays that it
            closes over stay what they are now.
        params_0: the parameters at the start, any tree of real arrays of one precision.
        x_probe: inputs (n, ...) at which functions, kernels and patterns are compared; a look costs about
            (2 + 3 C) forward passes of them.
        y_probe: their targets (n, C); None leaves out what needs targets.
        groups: as for `function_problem`: a function of an array's name, or a tree of names that is a
            prefix of `params_0`. By default the arrays of one layer make a group: those whose names
            differ in the last part only.
        cadence: when `due` says yes.
        loss: whose value at the probe points is read, and whose sharpness: ``squared``,
            1/(2n) sum |f - y|^2, or ``cross-entropy``, with one-hot rows as targets.

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
        x_probe: Real[Array, "n ..."],
        y_probe: Float[Array, "n C"] | None = None,
        *,
        groups: Grouping | None = None,
        cadence: Cadence = DEFAULT_CADENCE,
        loss: str = "squared",
    ) -> None:
        start = time.perf_counter()
        cadence, measured = check_cadence(cadence), named_loss(loss)
        with own_settings(double=False), asking(params_0):
            given = kept_params(params_0)
            params_0, self._keys = _split(given)
            apply = _with_keys(apply, self._keys)
            question = pose(apply, params_0, kept_data("x_probe", x_probe), None)
            checked(question, MEMORY, _no_program)
            example = without_effects(question.example)
            check_probe_size(
                len(question.x1), example.num_outputs, question.leaves[0].dtype.itemsize
            )
            junctions = find_rectifiers(example)
            mixing = random_directions(example.num_outputs)
            mixing = None if mixing is None else jnp.asarray(mixing, example.dtype)
            self._reference = Reference(
                kept(tuple(example.closed.consts)),
                kept(question.context),
                question.leaves,
                question.x1,
                _targets(question, y_probe, measured),
                mixing,
            )
            self._treedef = question.treedef
            self._types = [getattr(leaf, "dtype", None) for leaf in jax.tree.leaves(params_0)]
            linear = can_linearise(example, self._reference)
            notes = _notes(question, junctions, mixing, linear)
            subject = subject_of(question, groups, y_probe is not None, notes)
            if groups is None:
                told = tuple(in_words(name) for name in subject.groups)
                subject = dataclasses.replace(subject, groups=told)
            self._subject = dataclasses.replace(subject, loss=loss)
            program = compiled(Seen(example, junctions, linear, measured))
            norms, state = norms_and_state(program, example, junctions, self._reference)
            self._start_norms = [np.asarray(n, float) for n in (norms.moved, norms.moved_operator)]
            self._compare = functools.partial(program, self._reference, state)
        first = self._look(self._reference.leaves)
        cost = max(self._seconds(given) for _ in range(3))
        self._begin(self._subject, first, cadence, time.perf_counter() - start, cost)

    def _settle(self, params: Params) -> None:
        gone = [leaf for leaf in jax.tree.leaves(params) if _is_gone(leaf)]
        if gone:
            raise InputError(
                "parameters must still be there when they are shown",
                received=f"{len(gone)} arrays that were donated",
                cause="the parameters before a step that donates its arguments (donate_argnums)",
                fix="show the parameters that the step returned",
            )
        jax.block_until_ready(params)

    def _seconds(self, params: Params) -> float:
        """How long a look takes, checks included."""
        start = time.perf_counter()
        self._measure(params)
        return time.perf_counter() - start

    def _measure(self, params: Params) -> Measurement:
        return self._look(self._leaves(params))

    def _look(self, leaves: tuple[Any, ...]) -> Measurement:
        with own_settings(double=False), asking(leaves):
            # What is dropped is JAX's mark of numbers without a type of their own.
            numbers = self._numbers(tuple(jnp.asarray(leaf, leaf.dtype) for leaf in leaves))
        moved = displacement_fields(
            self._subject,
            (numbers.moved, self._start_norms[0]),
            (numbers.moved_operator, self._start_norms[1]),
        )
        scalars: dict[str, Any] = dict.fromkeys(SERIES[:-1], float("nan"))
        scalars |= {name: float(value) for name, value in numbers.scalars.items()}
        if numbers.layers is not None:
            found = numbers.layers._asdict()
            scalars["low_rank_distance"] = float(found.pop("low_rank_distance"))
            scalars |= {name: np.asarray(value, float) for name, value in found.items()}
        return Measurement(**moved, **scalars)

    def _numbers(self, leaves: tuple[Any, ...]) -> Numbers:
        """What the program finds; nothing where the network cannot be evaluated since it diverged."""
        try:
            return jax.device_get(self._compare(leaves)[0])
        except Exception:
            if all(bool(jnp.isfinite(leaf).all()) for leaf in leaves):
                raise
            unknown: Any = np.full(len(leaves), np.nan)
            return Numbers(unknown, unknown, {}, None)

    def _leaves(self, params: Params) -> tuple[Any, ...]:
        """The arrays of parameters that have the tree, shapes and types of those at the start."""
        leaves, treedef = jax.tree.flatten(_split(params, self._keys)[0])
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
        with own_settings(double=False), asking(at_start):
            return tuple(map(_typed, self._subject.parameters, leaves, self._types, at_start))


def _is_gone(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer) and leaf.is_deleted()


def _typed(name: str, leaf: Any, expected: Any, at_start: Any) -> Any:
    """A leaf in the type that is computed with, if it has the one of the start; Python's have none."""
    own = getattr(leaf, "dtype", None)
    expected = at_start.dtype if expected is None else expected
    checked_leaf = check_array(f"parameters {name}", leaf, finite=False)
    if own is not None and own != expected:
        raise InputError(
            "parameters must keep the precision that the observer was told about",
            received=f"{name} of type {own} for {expected}",
            cause="parameters cast during training, or a copy of them in another precision",
            fix=f"cast them to {expected}, or make the observer with parameters in {own}",
        )
    return jnp.asarray(checked_leaf, at_start.dtype)


def _split(params: Params, like: Any = None) -> tuple[Params, Any]:
    """Parameters without random keys, and the keys beside them; a tree of keys alone stays as it is."""
    keys = jax.tree.map(_is_key, params)
    found = jax.tree.leaves(keys)
    if not any(found) or all(found):
        return params, like
    return eqx.partition(params, jax.tree.map(lambda key: not key, keys))


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _with_keys(apply: Apply, keys: Any) -> Apply:
    """The function of the parameters without their random keys, which stay what they are."""
    if keys is None:
        return apply
    return lambda params, x: apply(eqx.combine(params, keys), x)


def _no_program(plan: Any) -> None:
    """Nothing: `checked` is called for its checks."""


def _difference(subject: Subject, treedef: Any, expected: Any, shapes: Sequence[Any]) -> str:
    if treedef != expected:
        return f"another tree, {str(treedef)[:100]}, for {str(expected)[:100]}"
    pairs = zip(subject.parameters, shapes, subject.shapes, strict=True)
    name, found, wanted = next((n, a, b) for n, a, b in pairs if a != b)
    return f"{name} of shape {found} for {wanted}"


def _targets(question: Question, y: Any, loss: AbstractLoss) -> Any:
    if y is None:
        return None
    y = kept_data("y_probe", y)
    check_rows("y_probe", y, (len(question.x1), question.example.num_outputs))
    check_targets(loss, y)
    return jnp.asarray(np.asarray(y), wide_type([*question.leaves, question.example]))


def check_probe_size(points: int, outputs: int, itemsize: int) -> None:
    """Refuse probe points whose kernel, of numbers of so many bytes, does not fit the memory."""
    used = min(outputs, MANY_OUTPUTS)
    needed = (points * used) ** 2 * itemsize
    if needed > MEMORY:
        raise InputError(
            "the kernel of the probe points must fit the memory",
            received=f"{points} points and {outputs} outputs, {needed / 2**30:.1f} GiB",
            cause="the training set given as probe points",
            fix="give some tens to hundreds of points; a look costs time too",
        )


def random_directions(outputs: int) -> np.ndarray | None:
    """Random signs (C, 16), such that the mean over directions is that over outputs on average."""
    if outputs <= MANY_OUTPUTS:
        return None
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (outputs, MANY_OUTPUTS))
    return signs / np.sqrt(outputs)


def _notes(question: Question, junctions: Any, mixing: Any, linear: bool) -> tuple[str, ...]:
    notes = []
    if not junctions:
        notes.append(
            "No rectifiers were found in the network, so there are no patterns that could flip."
        )
    if mixing is not None:
        notes.append(
            f"The kernel is averaged over {mixing.shape[1]} random directions in output space, not over "
            f"all {mixing.shape[0]} outputs; its eigenvalues are not those of the network and are left out."
        )
    if not linear:
        notes.append(
            "The network has no forward derivative, so its distance from the linearised network is not "
            "measured."
        )
    given = question.leaves[0].dtype
    precision = coarsest(question.example)
    if jnp.finfo(precision).eps > min(float(jnp.finfo(given).eps), _SINGLE):
        notes.append(
            f"Parts of the network compute in {precision}, rounding by {jnp.finfo(precision).eps:.0e} at "
            "every step: smaller changes of kernel and function may be rounding."
        )
    return tuple(notes)
