"""How are matrix products with very few terms done, which compilers for processors are slow at?"""

import jax.numpy as jnp
from jaxtyping import Array, Float

_FEW_TERMS, _FEW_PRODUCTS = 4, 16


def rows_times(
    x: Float[Array, "... fan_in"], matrix: Float[Array, "fan_out fan_in"]
) -> Float[Array, "... fan_out"]:
    """Product x W^T; over at most four inputs term by term, in one loop with what follows."""
    fan_in = x.shape[-1]
    if not 0 < fan_in <= _FEW_TERMS:
        return x @ matrix.T
    columns = [column.reshape((1,) * (x.ndim - 1) + (-1,)) for column in matrix.T]
    product = x[..., :1] * columns[0]
    for k in range(1, fan_in):
        product = product + x[..., k, None] * columns[k]
    return product


def sum_of_outer_products(
    left: Float[Array, "k fan_out"], right: Float[Array, "k fan_in"]
) -> Float[Array, "fan_out fan_in"]:
    """sum_k left_k right_k^T; a matrix of few columns or rows from few products column by column."""
    num, fan_out, fan_in = *left.shape, right.shape[1]
    if not 0 < num <= _FEW_PRODUCTS or not 0 < min(fan_in, fan_out) <= _FEW_TERMS:
        return left.T @ right
    if fan_in > fan_out:
        return sum_of_outer_products(right, left).T
    columns = []
    for i in range(fan_in):
        column = left[0] * right[0, i]
        for k in range(1, num):
            column = column + left[k] * right[k, i]
        columns.append(column)
    return jnp.stack(columns, axis=1)
