"""Which points of a loss curve are kept when the number of steps is not known in advance?"""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


@final
class History(eqx.Module):
    """A loss curve of bounded size: when the room is full, every second record is dropped.

    A record is what one step has to show: one point, or several inside a long step. Records are kept
    every `stride` steps; the stride doubles each time the room is full, so that the kept records stay
    evenly spaced in steps. Unused slots are NaN. The start, loss R(0) at time zero, is not recorded.

    Attributes:
        time: times of each record, (size, points per record).
        loss: losses of each record, (size, points per record).
        count: number of records kept.
        stride: steps between records.
    """

    time: Float[Array, "size points"]
    loss: Float[Array, "size points"]
    count: Int[Array, ""]
    stride: Int[Array, ""]

    @classmethod
    def empty(cls, size: int, points: int, dtype: jnp.dtype) -> "History":
        """Room for `size` records, an even number."""
        blank = jnp.full((size, points), jnp.nan, dtype)
        return cls(blank, blank, jnp.asarray(0, jnp.int32), jnp.asarray(1, jnp.int32))

    def record(
        self,
        step: Int[Array, ""],
        time: Float[Array, " points"],
        loss: Float[Array, " points"],
        *,
        is_last: bool = False,
    ) -> "History":
        """The curve with the record of step number `step` = 1, 2, .., if it is one to keep, or the last."""
        size = self.time.shape[0]
        full = self.count == size
        count = jnp.where(full, size // 2, self.count)
        stride = jnp.where(full, 2 * self.stride, self.stride)
        due = (step % stride == 0) | is_last
        here = ((jnp.arange(size, dtype=count.dtype) == count) & due)[:, None]
        return History(
            jnp.where(here, time, jnp.where(full, _thinned(self.time), self.time)),
            jnp.where(here, loss, jnp.where(full, _thinned(self.loss), self.loss)),
            count + due.astype(count.dtype),
            stride,
        )


def _thinned(values: Float[Array, "size points"]) -> Float[Array, "size points"]:
    """Records number 2, 4, .. first, the rest free: those are the multiples of twice the stride."""
    kept = values[1::2]
    return jnp.concatenate([kept, jnp.full_like(kept, jnp.nan)])
