"""Which starts of attention does a narrow network have in common with the wide one, by its kernel?"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._jax import random_key
from lazyscope.claims._finding import Finding, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.law._blocks import BLOCKS, blockwise, root_of
from lazyscope.scaling import GrowthRole, array_transfer

WIDE, NARROW = 128, 32
SEEDS = 512
HEAD_SIZE = 4
"""Of heads whose number grows."""
_TOKENS, _INPUT_DIM, _POINTS, _DRAW = 4, 4, 4, 2
_ROLES: dict[str, GrowthRole] = {
    "embed": "input",
    "query": "hidden",
    "key": "hidden",
    "value": "hidden",
    "readout": "output",
}
_RULE = Rule.at_most(0.1)

Kernels = Float[np.ndarray, "block seed array n n"]


class AttentionStart(NamedTuple):
    """How scores q . k are multiplied and where they begin.

    Attributes:
        words: for people.
        power: of the head's size in the multiplier.
        queries: factor of the query matrix at the start.
        heads_grow: whether the number of heads grows in place of their size.
        expected: whether the kernel carries over.
    """

    words: str
    power: float
    queries: float
    heads_grow: bool
    expected: Verdict


STARTS = {
    "attention-root": AttentionStart("scores of size one, 1/√d", -0.5, 1.0, False, "disagrees"),
    "attention-zero": AttentionStart("scores at zero, 1/√d", -0.5, 0.0, False, "disagrees"),
    "attention-inverse": AttentionStart("scores of size 1/√d, 1/d", -1.0, 1.0, False, "agrees"),
    "attention-heads": AttentionStart(
        "heads of size 4 that grow in number", -0.5, 1.0, True, "agrees"
    ),
}


def attention_rows() -> Iterator[Row]:
    """What `attention_findings` claims."""
    design = {
        "width": WIDE,
        "proxy_width": NARROW,
        "seeds": SEEDS,
        "blocks": BLOCKS,
        "draw_seed": _DRAW,
        "num_points": _POINTS,
        "tokens": _TOKENS,
        "input_dim": _INPUT_DIM,
    }
    for name, start in STARTS.items():
        own = {"power": start.power, "queries": start.queries, "heads_grow": start.heads_grow}
        yield Row(f"end-{name}", None, _RULE, design | own, start.expected)


def attention_findings() -> Iterator[Finding]:
    """The tangent kernel at the start, of one attention layer between an embedding and a readout."""
    for name, start in STARTS.items():
        narrow, wide = kernels_of(start, NARROW), kernels_of(start, WIDE)
        square = blockwise(lambda kept, a=narrow, b=wide: squared_error(a[kept], b[kept]))
        found = root_of(square)
        shares = [query_share(each) for each in (narrow, wide)]
        yield Finding(
            f"end-{name}",
            f"attention, {start.words}: the kernel at the start is the wide network's within a tenth",
            None,
            found,
            "undecided" if found is None else _RULE.judge(found, None) or "undecided",
            f"one layer, width {NARROW} for {WIDE}, {SEEDS} seeds each, mean kernel of {_POINTS} points "
            "under plain descent; rms of the difference over rms, less its noise",
            expected=start.expected,
            note=f"Queries and keys have {shares[0]:.3f} of the kernel's trace when narrow, {shares[1]:.3f} "
            "when wide.",
            details={"share_narrow": shares[0], "share_wide": shares[1]},
        )


def kernels_of(start: AttentionStart, width: int) -> Kernels:
    """Kernels of every array with its rate, of networks of a width that stand for `WIDE`."""
    moved = {
        name: array_transfer(role, "sgd", width=WIDE, proxy_width=width)
        for name, role in _ROLES.items()
    }
    # what is learned of q . k adds up over units, so that its multiplier goes like a readout's entries
    size = HEAD_SIZE if start.heads_grow else WIDE
    factor = size**start.power * (1.0 if start.heads_grow else WIDE / width)
    heads = width // HEAD_SIZE if start.heads_grow else 1
    entries = jnp.asarray([moved[name].entries for name in _ROLES])
    entries = entries.at[list(_ROLES).index("query")].multiply(start.queries)
    rates = jnp.asarray([moved[name].rate for name in _ROLES])
    keys = jax.random.split(random_key(_DRAW), SEEDS)
    found = _kernels(keys, entries, rates, jnp.asarray(factor), (width, heads))
    return np.asarray(found, float).reshape(BLOCKS, -1, len(_ROLES), _POINTS, _POINTS)


def squared_error(narrow: Kernels, wide: Kernels) -> float:
    """Difference of mean kernels over the wide one, in mean squares, less the noise of the means."""
    sums = [each.sum(2).mean(1) for each in (narrow, wide)]
    off = sums[0] - sums[1]
    noise = float(np.mean(off.var(0, ddof=1))) / len(off)
    return float((np.mean(off.mean(0) ** 2) - noise) / np.mean(sums[1].mean(0) ** 2))


def query_share(kernels: Kernels) -> float:
    """Of queries and keys in the trace."""
    traces = np.einsum("bsaii->a", kernels)
    return float(traces[[1, 2]].sum() / traces.sum())


@functools.partial(jax.jit, static_argnums=4)
def _kernels(
    keys: Array, entries: Array, rates: Array, factor: Array, size: tuple[int, int]
) -> Float[Array, "seed array n n"]:
    width, heads = size
    x = jax.random.normal(random_key(_DRAW + 1), (_POINTS, _TOKENS, _INPUT_DIM))
    shapes = dict.fromkeys(_ROLES, (width, width))
    shapes |= {"embed": (_INPUT_DIM, width), "readout": (width, 1)}

    def one(key: Array) -> Array:
        params: dict[str, Any] = {}
        parts = jax.random.split(key, len(_ROLES))
        for k, (name, part) in enumerate(zip(_ROLES, parts, strict=True)):
            spread = (_INPUT_DIM if name == "embed" else WIDE) ** -0.5  # in the wide network
            params[name] = entries[k] * spread * jax.random.normal(part, shapes[name])
        slopes = jax.jacobian(lambda p: jax.vmap(lambda each: _outputs(p, each, factor, heads))(x))(
            params
        )
        rows = [slopes[name].reshape(_POINTS, -1) for name in _ROLES]
        return jnp.stack([rate * row @ row.T for rate, row in zip(rates, rows, strict=True)])

    return jax.lax.map(one, keys)


def _outputs(p: dict[str, Any], x: Float[Array, "t d"], factor: Array, heads: int) -> Array:
    units = x @ p["embed"]
    q, k, v = ((units @ p[name]).reshape(len(x), heads, -1) for name in ("query", "key", "value"))
    scores = jax.nn.softmax(factor * jnp.einsum("thd,shd->hts", q, k))
    return (jnp.einsum("hts,shd->thd", scores, v).reshape(len(x), -1).mean(0) @ p["readout"])[0]
