"""Which points of a loss curve are kept when the number of steps is not known in advance?"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lazyscope._types import Scalar


class History(eqx.Module):
    """A loss curve of bounded size: when the room is full, every second record is dropped.

    Records are taken every `stride` steps; the stride doubles each time the room is full, so that the
    kept records stay evenly spaced in steps. Unused slots are NaN.

    Attributes:
        time: time of each record, (size,).
        loss: loss of each record, (size,).
        count: number of records kept.
        stride: steps between records.
    """

    time: Float[Array, " size"]
    loss: Float[Array, " size"]
    count: Int[Array, ""]
    stride: Int[Array, ""]

    @classmethod
    def start(cls, loss: Scalar, size: int) -> "History":
        """A curve whose first record is the loss at time zero; `size` must be even."""
        blank = jnp.full(size, jnp.nan, loss.dtype)
        one = jnp.asarray(1, jnp.int32)
        return cls(blank.at[0].set(0.0), blank.at[0].set(loss), one, one)

    def record(self, step: Int[Array, ""], time: Scalar, loss: Scalar) -> "History":
        """The curve with the loss after `step` steps, if that step is one to keep."""
        size = self.time.shape[0]
        full = self.count == size
        keep = _first_half(size)
        times = jnp.where(full, jnp.where(keep, _thinned(self.time), jnp.nan), self.time)
        losses = jnp.where(full, jnp.where(keep, _thinned(self.loss), jnp.nan), self.loss)
        count = jnp.where(full, size // 2, self.count)
        stride = jnp.where(full, 2 * self.stride, self.stride)
        due = step % stride == 0
        here = (jnp.arange(size, dtype=count.dtype) == count) & due
        return History(
            jnp.where(here, time, times),
            jnp.where(here, loss, losses),
            count + due.astype(count.dtype),
            stride,
        )


def _first_half(size: int) -> Array:
    return jnp.arange(size) < size // 2


def _thinned(values: Float[Array, " size"]) -> Float[Array, " size"]:
    return jnp.concatenate([values[::2], values[::2]])
