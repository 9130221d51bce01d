"""How is a JAX function trained as its user trains it, and measured on the way?"""

import contextlib
import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError
from lazyscope._jax import own_settings
from lazyscope._loss import check_targets, named_loss
from lazyscope._trace import ArrayRoles, Example, asking, pattern_taps, pose, run_tapped
from lazyscope.measure import operator_norm
from lazyscope.observe import Described, rates_of
from lazyscope.study.coordinates._network import JaxNetwork
from lazyscope.study.coordinates._readout import Growing, Outline
from lazyscope.study.coordinates._run import KEPT_PROGRAMS, places_of, uses_of
from lazyscope.study.coordinates.trained._asked import AskedTraining, called, undone
from lazyscope.study.coordinates.trained._family import UNKNOWN, Family, family_of
from lazyscope.study.coordinates.trained._steps import Steps

_SIGNALS = 16
_TRAIN = ("apply", "params", "x", "y", "steps")
_Leaves = tuple[Any, ...]
_Move = Callable[[_Leaves, int], _Leaves]


@final
class _Rows(eqx.Module):
    """A function with outputs in rows (n, T V), whatever axes they have."""

    apply: Any

    def __call__(self, params: Any, x: Any) -> Any:
        out = self.apply(params, x)
        return out.reshape(len(out), -1) if getattr(out, "ndim", 0) > 2 else out


@final
class FunctionTraining:
    """A JAX function with its parameters and who trains it."""

    def __init__(
        self,
        described: Described,
        points: tuple[Any, Any],
        asked: AskedTraining,
        at: tuple[int, int],
    ) -> None:
        x, y = points
        self._asked, self._seed, self._described = asked, at[1], described
        self._network = JaxNetwork(described._replace(apply=_Rows(described.apply)), x)
        self._network.check()
        self.versions: Mapping[str, str] = self._network.versions
        self.notes: tuple[str, ...] = self._network.notes
        self._leaves: _Leaves = tuple(self._network.question.leaves)
        example = self._network.example
        self._constants = (tuple(example.closed.consts), self._network.context)
        form = self._output_form()
        self._given = np.asarray(y)
        self._y = _targets(asked.loss, self._given, (self._network.num_points, *form))
        self._programs = _programs(example, asked.loss, form)
        self.rates: np.ndarray | None = None
        if described.rates is not None:
            outline = self.outline()
            self.rates = rates_of(described, outline.groups)[list(outline.leaf_group)]
        self._check_asked()

    def _output_form(self) -> tuple[int, ...]:
        """Axes of the outputs of one point: (C,) or (T, V)."""
        question = self._network.question
        params = jax.tree.unflatten(question.treedef, question.leaves)
        with self._settings():
            out = jax.eval_shape(self._described.apply, params, question.x1)
        return tuple(out.shape[1:])

    def outline(self) -> Outline:
        """What its arrays are called and how large they are."""
        return self._network.outline()

    def roles(self, growing: Growing) -> ArrayRoles:
        """What its arrays do."""
        return self._network.roles(growing)

    def zeros(self) -> tuple[bool, ...]:
        """Which arrays start at zero."""
        return tuple(self._network.is_zero(k) for k in range(len(self._leaves)))

    def products(self) -> tuple[tuple[int, frozenset[int]], ...]:
        """None: what attention multiplies is not followed in JAX functions."""
        return ()

    def families(self) -> tuple[Family, ...]:
        """What the optimiser does with made-up gradients of every array."""
        if self._asked.by == "function":
            return (UNKNOWN,) * len(self._leaves)
        rng = np.random.default_rng(0)
        drawn = [[rng.normal(size=w.shape) for w in self._leaves] for _ in range(2)]
        answers = []
        with self._settings():
            start, made = (
                tuple(jnp.asarray(a, w.dtype) for a, w in zip(each, self._leaves, strict=True))
                for each in drawn
            )
            first = self._first_moving(start, made)
            for size in (1.0, 2.0, 0.0):
                step, moved = self._stepper(start), start
                for _ in range(first):
                    moved = step(tuple(size * each for each in made), moved)
                answers.append([np.asarray(b - a) for a, b in zip(start, moved, strict=True)])
        return tuple(family_of(*each) for each in zip(drawn[0], *answers, strict=True))

    def _first_moving(self, start: _Leaves, gradients: _Leaves) -> int:
        """The first step that moves something: warm-up may begin at zero, and gradients are accumulated."""
        try:
            step = self._stepper(start)
            for number in range(1, self._asked.steps + 1):
                moved = step(gradients, start)
                if not all(np.array_equal(a, b) for a, b in zip(start, moved, strict=True)):
                    return number
        except (TypeError, ValueError) as error:
            raise undone(error) from error
        return 1

    def train(self, axes: Sequence[int | None], readouts: Sequence[int]) -> Steps:
        """Train it, and measure."""
        with self._settings():
            return self._train(axes, readouts)

    @contextlib.contextmanager
    def _settings(self) -> Iterator[None]:
        promotion = jax.numpy_dtype_promotion("standard")  # as optimisers of Optax need it
        with own_settings(double=False), asking(self._network.params), promotion:
            yield

    def _train(self, axes: Sequence[int | None], readouts: Sequence[int]) -> Steps:
        start = before = self._leaves
        move = self._move()
        first = self._seen(start)
        outputs = first[0]
        sizes = [_size(w, axis) for w, axis in zip(start, axes, strict=True)]
        found: dict[str, list[Any]] = {n: [] for n in ("displacement", "own", "reach", "change")}
        losses = [float(self._loss(start, None))]
        for step in range(1, self._asked.steps + 1):
            gradients = self._gradients(before, None)
            now = move(before, step)
            found["reach"].append(
                [-float(jnp.vdot(g, b - a)) for g, a, b in zip(gradients, before, now, strict=True)]
            )
            moved = [_size(b - a, axis) for a, b, axis in zip(start, now, axes, strict=True)]
            found["displacement"].append(
                [a / b if b > 0 else np.nan for a, b in zip(moved, sizes, strict=True)]
            )
            found["own"].append([self._own(start, now, k, first) for k in range(len(start))])
            found["change"].append(_rms(self._seen(now)[0] - outputs))
            losses.append(float(self._loss(now, None)))
            before = now
        empty = np.zeros((self._asked.steps, 0))
        return Steps(
            size=np.array([_rms(w) for w in start]),
            share=self._shares(readouts),
            displacement=np.array(found["displacement"]),
            own=np.array(found["own"]),
            reach=np.array(found["reach"]),
            output=_rms(outputs),
            output_change=np.array(found["change"]),
            scores=empty[0],
            score_change=empty,
            loss=np.array(losses),
        )

    def _seen(self, leaves: _Leaves) -> tuple[Any, Any]:
        """Outputs (n, C) and what leaves the places where arrays meet data."""
        return self._programs.seen(self._constants, leaves, self._network.question.x1)

    def _loss(self, leaves: _Leaves, chosen: Any) -> Any:
        x = self._network.question.x1
        return self._programs.loss(self._constants, leaves, x, self._y, chosen)

    def _gradients(self, leaves: _Leaves, chosen: Any) -> _Leaves:
        x = self._network.question.x1
        return self._programs.gradients(self._constants, leaves, x, self._y, chosen)

    def _own(self, start: _Leaves, now: _Leaves, leaf: int, first: tuple[Any, Any]) -> float:
        """What its change alone makes of what it writes, at the data of the start."""
        paths = [path for path, _, k in uses_of(self._network.example) if k == leaf]
        if not paths:
            return float("nan")
        alone = (*start[:leaf], now[leaf], *start[leaf + 1 :])
        after = self._seen(alone)[1]
        made = _rms(*(after[path] - first[1][path] for path in paths))
        size = _rms(*(first[1][path] for path in paths))
        return made / size if size > 0 else made

    def _shares(self, readouts: Sequence[int]) -> np.ndarray:
        found = np.full(len(self._leaves), np.nan)
        if not readouts:
            return found
        out, pull = jax.vjp(lambda leaves: self._seen(leaves)[0], self._leaves)
        rng = np.random.default_rng(0)
        total = np.zeros(len(readouts))
        for _ in range(_SIGNALS):
            signs = jnp.asarray(rng.choice([-1.0, 1.0], out.shape), out.dtype)
            gradient = pull(signs)[0]
            total += [float(jnp.sum(gradient[k] ** 2)) for k in readouts]
        found[list(readouts)] = total / (_SIGNALS * out.size)
        return found

    def _move(self) -> _Move:
        asked = self._asked
        if asked.by == "function":
            return self._own_steps
        batches = asked.batches(len(self._y), self._seed)
        step = self._stepper(self._leaves)

        def move(leaves: _Leaves, number: int) -> _Leaves:
            chosen = None if batches is None else jnp.asarray(batches[number - 1])
            return step(self._gradients(leaves, chosen), leaves)

        return move

    def _stepper(self, leaves: _Leaves) -> Callable[[_Leaves, _Leaves], _Leaves]:
        """Steps with a memory, from gradients and arrays to arrays."""
        if self._asked.by == "name":
            return self._named_stepper(leaves)
        rule, treedef = self._asked.train, self._network.question.treedef
        state = rule.init(jax.tree.unflatten(treedef, leaves))

        def step(gradients: _Leaves, now: _Leaves) -> _Leaves:
            nonlocal state
            trees = (jax.tree.unflatten(treedef, each) for each in (gradients, now))
            made, state = rule.update(next(trees), state, next(trees))
            moves = jax.tree.leaves(made)
            return tuple(w + d.astype(w.dtype) for w, d in zip(now, moves, strict=True))

        return step

    def _named_stepper(self, leaves: _Leaves) -> Callable[[_Leaves, _Leaves], _Leaves]:
        from lazyscope.proxy.library import named_direction

        rules = [named_direction(self._asked.train, w) for w in leaves]
        states = [rule.init(w) for rule, w in zip(rules, leaves, strict=True)]
        ones = np.ones(len(leaves)) if self.rates is None else self.rates
        rates = [float(self._asked.rate * each) for each in ones]
        decay = self._asked.decay

        def step(gradients: _Leaves, now: _Leaves) -> _Leaves:
            found = []
            for k, (g, w) in enumerate(zip(gradients, now, strict=True)):
                towards, states[k] = rules[k].update(g, states[k], w)
                found.append(w - (rates[k] * (towards + decay * w)).astype(w.dtype))
            return tuple(found)

        return step

    def _own_steps(self, leaves: _Leaves, number: int) -> _Leaves:
        """Somebody's own function, from the start each time."""
        del leaves
        apply, x = self._described.apply, self._network.question.x1
        # Their own, which they may write into or donate.
        params, points = jax.tree.map(_own_copy, (self._network.params, x))
        try:
            made = self._asked.train(apply, params, points, jnp.array(self._given), number)
            _check_shapes(made, self._leaves)
            found = tuple(map(_in_type, jax.tree.leaves(made), self._leaves))
            made = jax.tree.unflatten(jax.tree.structure(made), found)
            if all(bool(jnp.isfinite(leaf).all()) for leaf in found):
                found = tuple(pose(_Rows(apply), made, x, None).leaves)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                "train(apply, params, x, y, steps) must return the trained parameters",
                received=f"{type(error).__name__}: {str(error)[:200]}",
                cause="an error in train",
                fix="call it on its own with what build returns",
            ) from error
        return found

    def _check_asked(self) -> None:
        asked = self._asked
        fits = asked.by in ("name", "optax") or (asked.by, asked.arguments) == (
            "function",
            len(_TRAIN),
        )
        if not fits:
            raise InputError(
                "a JAX function must be trained by a name, by Optax, or by "
                f"train({', '.join(_TRAIN)}) -> params",
                received="optimisers of torch.optim, or a function of other arguments",
                cause="a training of another library",
                fix="give for instance optax.adamw(1e-3)",
            )
        if self.rates is not None and asked.by != "name":
            raise InputError(
                "learning rates must be said once",
                received="rates from build beside an optimiser with rates of its own",
                cause="rates in two places",
                fix="leave rates out, or give the optimiser by its name",
            )
        if asked.decay and asked.train != "adamw":
            raise InputError(
                "weight decay by name belongs to adamw",
                received=f"decay {asked.decay:g} for {asked.train}",
                cause="an optimiser whose decay would be added to the gradient",
                fix="use adamw, or give the optimiser itself",
            )


class _Programs(NamedTuple):
    """Compiled functions of one kind of network, of its constants, arrays, points and targets."""

    seen: Any
    loss: Any
    gradients: Any


_kept: OrderedDict[Any, _Programs] = OrderedDict()


def _programs(example: Example, loss: Any, form: tuple[int, ...]) -> _Programs:
    """Programs by the equations, which name neither seed nor parametrisation."""
    key = (str(example.closed), loss, form)
    if key not in _kept:
        _kept[key] = _made(example, loss, form)
    _kept.move_to_end(key)
    while len(_kept) > KEPT_PROGRAMS:
        _kept.popitem(last=False)
    return _kept[key]


def _made(example: Example, given: Any, form: tuple[int, ...]) -> _Programs:
    junctions = places_of(example)
    value = functools.partial(called, given) if callable(given) else named_loss(given).value

    def seen(constants: Any, leaves: _Leaves, x: Any) -> tuple[Any, Any]:
        consts, context = constants
        taps = pattern_taps(junctions)

        def single(x: Any) -> Any:
            inputs = [*context, *leaves, x]
            outs, found = run_tapped(example.closed.jaxpr, consts, inputs, junctions, taps)
            return outs[0][0], found

        return jax.vmap(single)(x)

    def loss(constants: Any, leaves: _Leaves, x: Any, y: Any, chosen: Any) -> Any:
        outputs = seen(constants, leaves, x)[0].reshape(-1, *form)
        classes = callable(given) and np.dtype(y.dtype).kind in "iub"
        targets = jnp.asarray(y) if classes else jnp.asarray(y, outputs.dtype)
        if chosen is not None:
            outputs, targets = outputs[chosen], targets[chosen]
        if given == "cross-entropy":  # the mean is over positions, as over points
            outputs, targets = (each.reshape(-1, form[-1]) for each in (outputs, targets))
        return value(outputs, targets)

    return _Programs(jax.jit(seen), jax.jit(loss), jax.jit(jax.grad(loss, argnums=1)))


def _targets(loss: Any, y: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """As the outputs (n, C) or (n, T, V); classes as numbers become rows where the loss has a name."""
    if callable(loss):
        return y
    classes = shape[-1]
    if (
        loss == "cross-entropy"
        and y.dtype.kind in "iu"
        and y.shape == shape[:-1]
        and y.min() >= 0
        and y.max() < classes
    ):
        return np.eye(classes)[y]
    if y.shape != shape:
        raise InputError(
            "targets must fit the points and the outputs of the network",
            received=f"targets of shape {y.shape} for outputs of shape {shape}",
            cause="a network with another number of outputs than the data has, classes for a squared "
            "loss, or classes that are not counted from 0",
            fix=f"give targets of shape {shape}, or for cross-entropy whole numbers from 0 to "
            f"{classes - 1} of shape {shape[:-1]}",
        )
    check_targets(named_loss(loss), y.reshape(-1, classes))
    return y


def _check_shapes(made: Any, leaves: _Leaves) -> None:
    """Refuse parameters of another structure than those that were given."""
    if made is None:
        raise InputError(
            "train(apply, params, x, y, steps) must return the trained parameters",
            received="None",
            cause="a function without return, since arrays of JAX do not change in place",
            fix="return the parameters at its end",
        )
    shapes = [np.shape(each) for each in jax.tree.leaves(made)]
    if shapes != [w.shape for w in leaves]:
        raise InputError(
            "a step must change values of parameters, not the parameters themselves",
            received=f"{len(shapes)} arrays for {len(leaves)}, or other shapes",
            cause="a train that returns something else than the parameters, or layers that are added, "
            "pruned or replaced while training",
            fix="return parameters of the same structure",
        )


def _in_type(leaf: Any, like: Any) -> Any:
    """An array in the precision of the start, if it holds real numbers; anything else is refused later."""
    real = jnp.issubdtype(getattr(leaf, "dtype", np.dtype(type(leaf))), np.floating)
    return jnp.asarray(leaf, like.dtype) if real else leaf


def _own_copy(leaf: Any) -> Any:
    return leaf.copy() if hasattr(leaf, "copy") else leaf


def _rms(*values: Any) -> float:
    number = sum(each.size for each in values)
    return float(np.sqrt(sum(float(jnp.sum(each**2)) for each in values) / number))


def _size(values: Any, axis: int | None) -> float:
    if not bool(jnp.isfinite(values).all()):  # of a training that diverged
        return float("nan")
    if axis is None:
        return float(jnp.linalg.norm(values))
    return float(operator_norm(jnp.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)))
