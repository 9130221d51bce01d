"""Does a network treat every example on its own, and alike whenever it is called?"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lazyscope._checks import InputError
from lazyscope.kernel._generic_question import Question, not_repeatable, retrace

_EXAMPLES = 4
"""So many examples are compared in a batch and alone."""


def check_repeatable(question: Question) -> None:
    """Trace the network again; another program or other constants mean randomness or state."""
    again = retrace(question)
    first, second = question.example.closed, again.closed
    if str(first) != str(second):
        raise not_repeatable("two different computations from two calls")
    for one, two in zip(first.consts, second.consts, strict=True):
        if isinstance(one, Tracer) or isinstance(two, Tracer):
            continue
        if not np.array_equal(np.asarray(one), np.asarray(two), equal_nan=_real(one)):
            raise not_repeatable(f"an array {np.shape(one)} that differs between two calls")


def check_separate(question: Question) -> bool:
    """Compare a few examples in a batch with the same examples alone, at nearby parameters.

    Nearby, because mixing may be invisible at the very point, as for a batch norm that starts with
    scale zero. Skipped while tracing, where there are no values; returns whether it was done.
    """
    arrays = [*question.context, *question.leaves, question.x1, *question.example.closed.consts]
    if any(isinstance(a, Tracer) for a in arrays):
        return False
    batch = _few(question)
    moved = [leaf * leaf.dtype.type(1.03) + leaf.dtype.type(0.01) for leaf in question.leaves]

    @jax.jit
    def compare(context: Any, leaves: Any, batch: Any) -> Any:
        together = question.call(context, leaves, batch)
        alone = jax.vmap(lambda x: question.call(context, leaves, x[None])[0])(batch)
        if together.shape != alone.shape:
            return jnp.asarray(jnp.inf), jnp.asarray(1.0)
        gap = jnp.max(jnp.abs(together - alone), where=jnp.isfinite(alone), initial=0.0)
        return gap, jnp.max(jnp.abs(alone), where=jnp.isfinite(alone), initial=0.0)

    gap, size = (float(v) for v in compare(question.context, moved, batch))
    if not gap <= np.finfo(question.example.dtype).eps ** 0.5 * size:
        raise InputError(
            "apply must treat each example on its own; otherwise the tangent kernel of two examples "
            "is undefined, since it would depend on which others are in the batch",
            received=f"outputs that change by {gap:.2g} (of {size:.2g}) with the rest of the batch",
            cause="batch norm in training mode, a mean over the batch, attention across the first "
            "axis, or dropout",
            fix="use evaluation mode with running averages held fixed, or layer norm; the first axis "
            "of x must be the examples",
        )
    return True


def _few(question: Question) -> jax.Array:
    """Some examples; a single one is joined by itself in reverse, so that two differ."""
    batch = question.x1[:_EXAMPLES]
    if question.x2 is not None and not isinstance(question.x2, Tracer):
        batch = jnp.concatenate([batch, question.x2[:_EXAMPLES]])
    if len(batch) == 1 and batch.ndim > 1:
        batch = jnp.concatenate([batch, batch[..., ::-1]])
    return batch


def _real(array: Any) -> bool:
    return jnp.issubdtype(jnp.asarray(array).dtype, np.inexact)
