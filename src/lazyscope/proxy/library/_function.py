"""How does a JAX function answer what is asked of a network?"""

import contextlib
import functools
import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr

from lazyscope._checks import InputError
from lazyscope._jax import kept, kept_params, own_settings
from lazyscope._trace import asking, pose, without_effects
from lazyscope.kernel.any_function import MEMORY, checked
from lazyscope.measure import operator_norm
from lazyscope.observe import Build, Described, call_build, rates_of, roles_of, subject_of
from lazyscope.proxy._training import Points, Training
from lazyscope.proxy.library._constants import Replacements, constants_of, run_with
from lazyscope.proxy.library._descent import (
    Arrays,
    Descent,
    Given,
    descend,
    descend_step_by_step,
    gradient_norms,
    outputs_of,
    sharpness_of,
)
from lazyscope.proxy.library._network import (
    AbstractLibrary,
    AbstractNetwork,
    ArraySize,
    Numbers,
    Sharpness,
    Start,
    Trained,
    array_size,
    check_outputs_fit,
    row_axes,
    timed,
)


@final
class FunctionLibrary(AbstractLibrary):
    """JAX functions that a build makes."""

    def __init__(self, build: Build, points: Points, widths: tuple[int, int], seed: int) -> None:
        self._build, self._points = build, points
        self.roles = roles_of(build, points.x[:2], widths, seed=seed)
        self._rows = row_axes(self.roles)
        self.draw(widths[0], seed).check()

    def draw(self, width: int, seed: int) -> "FunctionNetwork":
        """A network."""
        made = call_build(self._build, width, seed)
        if not isinstance(made, Described):
            raise InputError(
                "build must return networks of one library",
                received="a PyTorch module beside a JAX function",
                cause="a build that chooses by the width",
                fix="return the same kind for every width and seed",
            )
        return FunctionNetwork(made, self._points, self._rows)

    def with_constants(
        self, narrow: AbstractNetwork, wide: AbstractNetwork, ratio: float
    ) -> tuple["FunctionNetwork", tuple[str, ...]]:
        """The narrow network with the wide one's constants, and what that leaves open."""
        assert isinstance(narrow, FunctionNetwork)
        assert isinstance(wide, FunctionNetwork)
        found = constants_of(narrow.example, wide.example, ratio)
        return narrow.replaced(found.replacements), found.notes


@final
class FunctionNetwork(AbstractNetwork):
    """A JAX function with the parameters of one draw."""

    def __init__(self, described: Described, points: Points, rows: tuple[int, ...]) -> None:
        self._rows, self._apply = rows, described.apply
        with own_settings(double=False), asking(described.params):
            self._params = kept_params(described.params)
            question = pose(described.apply, self._params, points.x, None)
            subject = subject_of(question, described.groups, True, ())
            self.example = without_effects(question.example)
            consts = tuple(kept(list(self.example.closed.consts)))
            self._arrays = Arrays(consts, tuple(kept(question.context)), question.leaves)
            self._x = question.x1
            self._y = jnp.asarray(points.y, question.leaves[0].dtype)
        self.rates = rates_of(described, subject.groups)[list(subject.parameter_group)]
        self.num_outputs = check_outputs_fit(self.example.num_outputs, points.y)
        self._replacements: Replacements = {}

    def replaced(self, replacements: Replacements) -> "FunctionNetwork":
        """The same network with other constants in its equations."""
        other = object.__new__(FunctionNetwork)
        for name, value in vars(self).items():
            setattr(other, name, value)
        other._replacements = replacements
        return other

    def check(self) -> None:
        """Refuse functions that draw at random, or mix the points of a batch: one point is followed alone."""
        with self._settings():
            few = pose(self._apply, self._params, self._x[:_CHECKED_POINTS], None)
            checked(few, MEMORY, _no_program, "sum")

    def sizes(self) -> tuple[ArraySize, ...]:
        """How large its arrays are."""
        return tuple(array_size(np.asarray(leaf)) for leaf in self._arrays.leaves)

    def norms(self) -> tuple[float, ...]:
        """Operator norm of every array as a matrix, the Euclidean norm of a vector."""
        return tuple(self._norms(self._arrays.leaves))

    def values(self, array: int) -> np.ndarray:
        """One array."""
        return np.asarray(self._arrays.leaves[array])

    def outputs(self) -> np.ndarray:
        """Its own outputs at the start."""
        with self._settings():
            return np.asarray(self._values(self._arrays), float)

    def start(self, numbers: Numbers) -> Start:
        """Sizes at the start, by one pass back."""
        signal = np.random.default_rng(0).choice([-1.0, 1.0], size=(1, self.num_outputs))
        with self._settings():
            arrays = self._given(numbers)
            given = (arrays, self._x, jnp.asarray(signal, self._y.dtype))
            function = functools.partial(gradient_norms, self._single())
            run = self._program("start", function, given)
            norms, seconds = timed(lambda: jax.device_get(run(*given)))
            written = np.asarray(self._written(arrays, numbers.outputs), float)
        return Start(np.asarray(norms, float), float(np.sqrt(np.mean(written**2))), seconds)

    def train(self, training: Training, numbers: Numbers) -> Trained:
        """Train it, all steps in one compiled program where that is as fast as step by step."""
        return self._descended(training, numbers)[0]

    def train_sharp(
        self, training: Training, numbers: Numbers, speed: Sequence[float]
    ) -> tuple[Trained, Sharpness]:
        """Train it, with the sharpness at both ends."""
        trained, changes = self._descended(training, numbers)
        with self._settings():
            arrays = self._given(numbers)
            moved = tuple(a + b for a, b in zip(arrays.leaves, changes, strict=True))
            shift = self._shift(arrays, numbers)
            rest = self._x, self._y, shift, jnp.asarray(self.rates * np.asarray(speed), shift.dtype)
            function = functools.partial(sharpness_of, self._single(), training.loss)
            run = self._program(f"sharpness {training.loss}", function, (arrays, *rest))
            found = [float(run(each, *rest)) for each in (arrays, arrays._replace(leaves=moved))]
        return trained, Sharpness(*found)

    def _descended(self, training: Training, numbers: Numbers) -> tuple[Trained, Any]:
        """A training, and the change of every array."""
        kind = self._y.dtype
        with self._settings():
            arrays = self._given(numbers)
            shift = self._shift(arrays, numbers)
            by_array = jnp.asarray(self.rates * np.asarray(numbers.rate), kind)
            given = Given(arrays, self._x, self._y, shift, by_array)
            by_step = jnp.asarray(training.rates(), kind)
            batches = None if training.batches is None else jnp.asarray(training.batches)
            told = training.described() | {"rate": None, "batches": training.batches is None}
            told |= {"own": (numbers.epsilon, numbers.decay)}
            descent = Descent(self._single(), training, numbers)

            def program(what: str, function: Any, arguments: Any) -> Any:
                return self._program(f"{what} {told}", function, arguments)

            if _SLOW_IN_LOOPS in self._equations() and jax.default_backend() == "cpu":
                run = descend_step_by_step(program, descent, given, by_step, batches)
            else:
                whole = given, by_step, batches
                compiled = program("train", functools.partial(descend, descent), whole)
                run = functools.partial(compiled, *whole)
            (losses, changes), seconds = timed(lambda: jax.block_until_ready(run()))
        norms = self._norms(changes)
        return Trained(np.asarray(losses, float), np.array(norms), seconds), changes

    def identity(self) -> str:
        """Its equations, the constants that were put in, and arrays that it holds and does not train."""
        held = hashlib.sha256()
        for each in jax.tree.leaves((self._arrays.consts, self._arrays.context)):
            held.update(_numbers_of(each).tobytes())
        return f"{self._equations()} {held.hexdigest()}"

    def _equations(self) -> str:
        return f"{self.example.closed.jaxpr} {self._replacements}"

    def _norms(self, arrays: Any) -> list[float]:
        with self._settings():
            return [
                float(_matrix_norm(leaf, row)) for leaf, row in zip(arrays, self._rows, strict=True)
            ]

    @contextlib.contextmanager
    def _settings(self) -> Iterator[None]:
        promotion = jax.numpy_dtype_promotion("standard")  # as optimisers of Optax need it
        with own_settings(double=False), asking(self._params), promotion:
            yield

    def _given(self, numbers: Numbers) -> Arrays:
        """Arrays with other numbers."""
        leaves = tuple(
            jnp.asarray(numbers.values[k], leaf.dtype)
            if k in numbers.values
            else leaf * jnp.asarray(factor, leaf.dtype)
            for k, (leaf, factor) in enumerate(
                zip(self._arrays.leaves, numbers.entries, strict=True)
            )
        )
        return self._arrays._replace(leaves=leaves)

    def _shift(self, arrays: Arrays, numbers: Numbers) -> Any:
        """What is added to the outputs, so that the output arrays write the share that they are told."""
        return self._written(arrays, numbers.outputs) * (numbers.share - 1)

    def _written(self, arrays: Arrays, outputs: frozenset[int]) -> Any:
        """What the output arrays write: outputs less those without them, or all where those have no value.

        Zeros are arguments of the program: as constants in it, XLA for CPUs was seen to leave their
        products undefined.
        """
        now = self._values(arrays)
        if not outputs:
            return jnp.zeros_like(now)
        leaves = (
            jnp.zeros_like(leaf) if k in outputs else leaf for k, leaf in enumerate(arrays.leaves)
        )
        rest = self._values(arrays._replace(leaves=tuple(leaves)))
        return now - jnp.where(jnp.isfinite(rest), rest, 0)

    def _values(self, arrays: Arrays) -> Any:
        """Outputs of all points."""
        given = arrays, self._x
        return self._program("outputs", functools.partial(outputs_of, self._single()), given)(
            *given
        )

    def _single(self) -> Any:
        return functools.partial(_outputs, self.example.closed.jaxpr, self._replacements)

    def _program(self, what: str, function: Any, given: Any) -> Any:
        """The compiled program of a function; one for all seeds, whose equations name none."""
        shapes = jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), given)
        key = (what, self._equations(), str(shapes))
        if key not in _programs:
            _programs[key] = jax.jit(function).lower(*given).compile()
        _programs.move_to_end(key)
        while len(_programs) > _MOST_PROGRAMS:
            _programs.popitem(last=False)
        return _programs[key]


_CHECKED_POINTS = 4
"""Points on which a function is checked."""


def _no_program(plan: Any) -> None:
    """Nothing: `checked` is called for its checks."""


_programs: OrderedDict[Hashable, Any] = OrderedDict()
_MOST_PROGRAMS = 16

_SLOW_IN_LOOPS = "conv_general_dilated"
"""What XLA for CPUs takes twenty times as long for inside a loop: such trainings are stepped from outside."""


def _numbers_of(constant: Any) -> np.ndarray:
    """The numbers of an array, or of a key for random ones."""
    is_key = isinstance(constant, jax.Array) and jnp.issubdtype(constant.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(constant) if is_key else constant)


@functools.partial(jax.jit, static_argnums=1)
def _matrix_norm(array: Any, row: int) -> Any:
    """Operator norm of an array as a matrix, the Euclidean norm of a vector."""
    if array.ndim < 2:
        return jnp.sqrt(jnp.sum(array**2))
    if array.ndim > 2:
        array = jnp.moveaxis(array, row, 0).reshape(array.shape[row], -1)
    return operator_norm(array)


def _outputs(jaxpr: Jaxpr, replacements: Replacements, arrays: Arrays, x: Any) -> Any:
    """Outputs (C,) of one example."""
    inputs = [*arrays.context, *arrays.leaves, x]
    return run_with(jaxpr, arrays.consts, inputs, replacements)[0][0]
