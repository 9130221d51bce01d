"""Does a network treat every example on its own, and alike whenever it is called?"""

import re
import weakref
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr

from lazyscope._checks import InputError
from lazyscope._jax import unit_rounding
from lazyscope._trace import (
    Question,
    coarsest,
    not_repeatable,
    over_examples,
    primitives,
    retrace,
    run_tapped,
    trace_call,
)
from lazyscope.kernel.any_function._plan import forward_sizes

_ADDRESS = r"0x[0-9a-f]+"
_ROUNDINGS = 16.0
"""Perturbations of so many roundings show how much rounding alone may change an output."""
TOGETHER = 256
"""Examples that are compared in one batch at least, whatever memory is allowed."""
_ALLOWED = 30.0
"""A gap counts as rounding up to so many times what such perturbations do."""

Kept = Callable[[Any, Callable[[], Any]], Any]
"""``kept(key, make)`` is what was made for a key before, or what `make` makes now."""


def check_repeatable(question: Question) -> None:
    """Trace the network again; another program or other constants mean randomness or state."""
    again = retrace(question)
    first, second = question.example.closed, again.closed
    if equations(first) != equations(second):
        raise not_repeatable("two different computations from two calls")
    for one, two in zip(first.consts, second.consts, strict=True):
        if isinstance(one, Tracer) or isinstance(two, Tracer):
            continue
        if not np.array_equal(plain(one), plain(two), equal_nan=_real(one)):
            raise not_repeatable(f"an array {np.shape(one)} that differs between two calls")


def check_derivative(question: Question) -> None:
    """Trace the backward pass of two examples, so that what has none is refused at once."""
    example, x = question.example, question.x1
    pair = jax.ShapeDtypeStruct((2, *x.shape[1:]), x.dtype)

    def gradients(leaves: Any, batch: Any) -> Any:
        outputs, pull = jax.vjp(lambda w: _alone(question, w, batch), leaves)
        return pull(outputs)

    if example.num_outputs:
        jax.eval_shape(gradients, question.leaves, pair)


class Passed(NamedTuple):
    """The arrays for which a network was seen to treat its examples on their own."""

    arrays: tuple[weakref.ref[Any], ...]
    contents: tuple[tuple[Any, ...] | None, ...]

    @classmethod
    def of(cls, arrays: Sequence[Any]) -> "Passed":
        """What is kept of the arrays: neither their numbers nor their memory."""
        return cls(tuple(map(weakref.ref, arrays)), tuple(map(_content, arrays)))

    def holds(self, arrays: Sequence[Any]) -> bool:
        """Whether these are the same arrays, or hold the same numbers."""
        if len(arrays) != len(self.arrays) or any(isinstance(a, Tracer) for a in arrays):
            return False
        kept = zip(self.arrays, self.contents, arrays, strict=True)
        return all(
            ref() is a or (known is not None and known == _content(a)) for ref, known, a in kept
        )


def _content(array: Any) -> tuple[Any, ...] | None:
    """Type, shape and a checksum of the numbers; None of what a device would have to send here.

    Arrays of NumPy are other arrays of JAX in every call, so that looking at numbers saves comparing all
    examples again; a checksum of 32 bits takes a tenth of the time that they do.
    """
    if isinstance(array, jax.Array) and any(d.platform != "cpu" for d in array.devices()):
        return None
    numbers = plain(array)
    content = np.ascontiguousarray(numbers).reshape(-1).view(np.uint8).data
    return numbers.dtype, numbers.shape, zlib.crc32(content)


def arrays_in(question: Question) -> list[Any]:
    """All arrays that outputs depend on."""
    inputs = [question.x1] if question.x2 is None else [question.x1, question.x2]
    constants = question.example.closed.consts
    return [*question.context, *question.leaves, *inputs, *constants]


def check_separate(question: Question, memory: float, kept: Kept, *, nearby: bool) -> Passed | None:
    """Compare all examples of a question in a batch with each of them alone.

    At the parameters as they are, since who is routed where depends on them, and, if asked, at
    `nearby` ones, since mixing may be invisible at the very point, as for a batch norm that starts with
    scale zero. Skipped while tracing, where there are no values: then None is returned.
    """
    arrays = arrays_in(question)
    if any(isinstance(a, Tracer) for a in arrays):
        return None
    passed = Passed.of(arrays)
    if not question.example.num_outputs:
        return passed
    batch = _examples(question)
    size = _fitting(question, len(batch), memory)
    for start in range(0, len(batch), size):
        part = batch[start : start + size]
        if len(part) < min(2, len(batch)):
            part = batch[start - 1 : start + size]
        _compare(question, part, kept, nearby=nearby)
    return passed


def _compare(question: Question, batch: Any, kept: Kept, *, nearby: bool) -> None:
    """Refuse a network whose outputs for these examples depend on each other."""
    shape = jax.ShapeDtypeStruct(batch.shape, batch.dtype)
    together, _ = trace_call(question.call, question.context, question.leaves, shape)
    program = kept(together, lambda: jax.jit(_both(question, together)))

    def outputs(leaves: Any, x: Any) -> tuple[np.ndarray, np.ndarray]:
        consts = question.example.closed.consts, together.consts
        found = program(consts, question.context, leaves, x)
        return tuple(np.asarray(out, np.float64) for out in found)  # pyright: ignore[reportReturnType]

    points = [question.leaves]
    if nearby:
        points.append(tuple(leaf * _number(1.03, leaf) + _number(0.01, leaf) for leaf in points[0]))
    for leaves in points:
        batched, alone = outputs(leaves, batch)
        if batched.shape != alone.shape:
            raise _mixing(together, f"outputs {batched.shape} for {len(batch)} examples")
        gaps, sizes = _by_example(batched, alone)
        unit = unit_rounding(coarsest(question.example))
        suspects = gaps > unit**0.5 * sizes
        if suspects.any():
            noise = _noise(outputs, leaves, batch, alone, _ROUNDINGS * unit)
            suspects &= ~(gaps <= _ALLOWED * noise)
        if suspects.any():
            worst = int(np.argmax(np.where(suspects, gaps / np.maximum(sizes, 1e-300), -1.0)))
            raise _mixing(
                together,
                f"outputs that change by {gaps[worst]:.2g} (of {sizes[worst]:.2g}) with the rest of the "
                f"batch, for {int(suspects.sum())} of {len(batch)} examples",
            )


def _both(question: Question, together: ClosedJaxpr) -> Callable[..., Any]:
    """Outputs of a batch in one piece, and of each of its examples alone."""
    jaxpr = question.example.closed.jaxpr

    def outputs(consts: Any, context: Any, leaves: Any, batch: Any) -> Any:
        inputs = [*context, *leaves]
        whole = run_tapped(together.jaxpr, consts[1], [*inputs, batch], {}, {})[0][0]

        def single(x: Any) -> Any:
            return run_tapped(jaxpr, consts[0], [*inputs, x], {}, {})[0][0][0]

        return whole, over_examples(single)(batch)

    return outputs


def _alone(question: Question, leaves: Any, batch: Any) -> Any:
    """Outputs of each example of a batch alone."""
    closed = question.example.closed

    def single(x: Any) -> Any:
        inputs = [*question.context, *leaves, x]
        return run_tapped(closed.jaxpr, closed.consts, inputs, {}, {})[0][0][0]

    return over_examples(single)(batch)


def _by_example(batched: np.ndarray, alone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest gap and the largest output of every example; infinite where only one is finite."""
    fine = np.isfinite(alone), np.isfinite(batched)
    both = fine[0] & fine[1]
    gaps = np.abs(np.subtract(batched, alone, where=both, out=np.zeros_like(alone)))
    gaps[fine[0] != fine[1]] = np.inf
    sizes = np.abs(np.where(both, alone, 0.0))
    return gaps.max(axis=1), sizes.max(axis=1)


def _noise(
    outputs: Callable[..., Any], leaves: Any, batch: Any, alone: np.ndarray, relative: float
) -> np.ndarray:
    """How much the outputs of each example alone change with parameters and data by so much."""
    rng = np.random.default_rng(0)

    def moved(array: Any) -> Any:
        if not _real(array):
            return array
        factors = 1.0 + relative * rng.choice([-1.0, 1.0], np.shape(array))
        return jnp.asarray(np.asarray(array, np.float64) * factors, array.dtype)

    found = np.zeros(len(alone))
    for _ in range(2):
        changed = outputs(jax.tree.map(moved, leaves), moved(batch))[1]
        found = np.maximum(found, _by_example(changed, alone)[0])
    return found


def _examples(question: Question) -> jax.Array:
    """All examples; a single one is joined by itself in reverse, so that two differ."""
    batch = question.x1
    if question.x2 is not None:
        batch = jnp.concatenate([batch, question.x2])
    if len(batch) == 1 and batch.ndim > 1:
        batch = jnp.concatenate([batch, batch[..., ::-1]])
    return batch


def _fitting(question: Question, n: int, memory: float) -> int:
    """So many examples at a time: all of them if their forward passes fit into memory, at least 256.

    What overflows in a batch of many (a capacity, a rank) may not in a few.
    """
    sizes = forward_sizes(question.example)
    needed = question.example.dtype.itemsize * 2 * (sizes.total + 1)
    return min(n, max(TOGETHER, int(memory // needed)))


def _mixing(together: ClosedJaxpr, received: str) -> InputError:
    """The refusal of a network that mixes its examples, with what its equations make likely."""
    names = primitives(together.jaxpr)
    causes = [
        "batch norm in training mode, a mean over the batch, or attention across the first axis",
    ]
    if names & {"random_bits", "threefry2x32", "random_gamma"}:
        causes.insert(0, "random numbers drawn by place in the batch (dropout)")
    if names & {
        "sort",
        "top_k",
        "argmax",
        "argmin",
        "cumsum",
        "approx_top_k",
        "scatter",
        "scatter-add",
    }:
        causes.insert(
            0, "examples that compete or are exchanged (a capacity per expert, sorting, ranking)"
        )
    return InputError(
        "apply must treat each example on its own; otherwise the tangent kernel of two examples "
        "is undefined, since it would depend on which others are in the batch",
        received=received,
        cause="; or ".join(causes),
        fix="use evaluation mode with running averages held fixed, layer norm, or routing without "
        "capacity; the first axis of x must be the examples",
    )


def equations(closed: ClosedJaxpr) -> str:
    """The equations as text, without addresses of functions, which differ from trace to trace."""
    return re.sub(_ADDRESS, "", str(closed))


def plain(constant: Any) -> np.ndarray:
    """A constant as NumPy array; the numbers of a random key."""
    if jnp.issubdtype(jnp.result_type(constant), jax.dtypes.prng_key):
        constant = jax.random.key_data(constant)
    return np.asarray(constant)


def _number(value: float, like: Any) -> Any:
    return np.asarray(value, like.dtype)


def _real(array: Any) -> bool:
    dtype = getattr(array, "dtype", np.asarray(0).dtype)
    return jnp.issubdtype(dtype, np.floating)
