"""Where does a narrow network cease to train like the wide one for which it stands?"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope._estimate import Estimate
from lazyscope._jax import random_key
from lazyscope.claims._finding import Finding, Verdict
from lazyscope.claims._row import Row
from lazyscope.claims._rule import Rule
from lazyscope.claims.law._blocks import BLOCKS, blockwise, root_of
from lazyscope.observe import Build
from lazyscope.proxy import narrow_proxy

DRAW = 2
"""Of points and labels."""
INPUT_DIM = 8
WITHIN = 0.1
"""Of a logarithm of the loss, which is an error of a tenth."""
NARROW, WIDE = (64, 128), 256
POINTS, POINT_WIDTHS = (20, 40), (32, 64, 128, 512)
SHARES = (0.3, 0.6, 0.9, 1.2, 1.5)
"""Of the stability limit."""
SIZES = (8, 4, 1)
"""Of batches, the set itself first."""
_NUM_POINTS, _NORM_POINTS, _STEPS = 8, 16, 40
_SEEDS = 24
"""Of a block; a line through two errors has more noise than either."""
_POINT_STEPS, _HALF, _SLOW = 100, 0.5, 0.2
_FIRST_SEED = 1000  # seeds of a block, more than anybody asks for

Curves = Float[np.ndarray, "block width step"]
"""Logarithms of the loss along the training, in the mean over the seeds of a block, the wide network last."""
Data = tuple[np.ndarray, np.ndarray]
Build_of_block = Callable[[int], Build]

_COMMON = {
    "draw_seed": DRAW,
    "input_dim": INPUT_DIM,
    "depth": 2,
    "blocks": BLOCKS,
    "seeds": _SEEDS * BLOCKS,
    "method": "sgd",
}
_EXTRAPOLATED = {
    "num_points": _NUM_POINTS,
    "proxy_widths": NARROW,
    "width": WIDE,
    "steps": _STEPS,
}
_ROWS: dict[str, tuple[Rule, Verdict, dict[str, Any]]] = {
    "end-points": (
        Rule.at_most(8.0),
        "agrees",
        {
            "num_points": POINTS,
            "widths": POINT_WIDTHS,
            "steps": _POINT_STEPS,
            "share": _HALF,
            "fit": "error = c n (1/m' - 1/M)",
        },
    ),
    "end-edge": (Rule.at_least(0.9), "agrees", _EXTRAPOLATED | {"shares": SHARES}),
    "end-batches": (
        Rule.at_most(WITHIN),
        "agrees",
        _EXTRAPOLATED | {"sizes": SIZES, "share": _SLOW, "losses": "mean over an epoch"},
    ),
    "end-batch-norm": (
        Rule.at_most(WITHIN),
        "agrees",
        _EXTRAPOLATED | {"num_points": _NORM_POINTS, "share": _SLOW},
    ),
}


def end_rows() -> Iterator[Row]:
    """What `end_findings` claims."""
    for name, (rule, expected, design) in _ROWS.items():
        yield Row(name, None, rule, {**_COMMON, **design}, expected)


def end_findings() -> Iterator[Finding]:
    """Narrow networks beside wide ones at few units per point, large steps, small batches, batch norm."""
    yield _points_finding()
    data = draw_points(_NUM_POINTS)
    limit = largest_stable_rate_of(dense, data)
    yield _edge_finding(data, limit)
    yield _batches_finding(data, limit)
    yield _norm_finding(draw_points(_NORM_POINTS))


def draw_points(many: int) -> Data:
    """Points of norm sqrt(d) in all directions, with signs that nothing but training knows."""
    rng = np.random.default_rng([DRAW, many])
    x = rng.normal(size=(many, INPUT_DIM))
    x *= np.sqrt(INPUT_DIM) / np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float32), rng.choice([-1.0, 1.0], size=(many, 1)).astype(np.float32)


def dense(block: int) -> Build:
    """Two hidden layers of tanh, in LeCun's size."""

    def build(width: int, seed: int) -> Any:
        params = _draw(width, seed + _FIRST_SEED * block)
        return lambda p, x: jnp.tanh(jnp.tanh(x @ p["a"]) @ p["b"]) @ p["c"], params

    return build


def normalised(block: int) -> Build:
    """The same with ReLU and batch norm before the second one; an example is the whole set of points."""

    def of_set(p: Any, x: Any) -> Any:
        units = jax.nn.relu(x @ p["a"]) @ p["b"]
        units = units - units.mean(0)
        units = p["gain"] * units / jnp.sqrt((units**2).mean(0) + 1e-5) + p["shift"]
        return (jax.nn.relu(units) @ p["c"])[:, 0]

    def build(width: int, seed: int) -> Any:
        params = _draw(width, seed + _FIRST_SEED * block)
        params |= {"gain": jnp.ones(width), "shift": jnp.zeros(width)}
        return lambda p, x: jax.vmap(lambda one: of_set(p, one))(x), params

    return build


def curves_of(build: Build_of_block, data: Data, widths: Sequence[int], **training: Any) -> Curves:
    """Every width trained for the last one, whose networks stand for themselves."""
    found = [
        narrow_proxy(
            build(block),
            data,
            width=widths[-1],
            proxy_widths=widths,
            seeds=_SEEDS,
            optimizer="sgd",
            **training,
        ).proxy_loss
        for block in range(BLOCKS)
    ]
    return np.log(np.array(found, float))


def over_epochs(curves: Curves, steps: int) -> Float[np.ndarray, "block width epoch"]:
    """Logarithms of the mean loss of so many steps: that of one point alone comes close to zero.

    Example:
        >>> np.exp(over_epochs(np.log([[[1.0, 3.0, 2.0, 4.0]]]), 2)).round(12).tolist()
        [[[2.0, 3.0]]]
    """
    whole = curves.shape[-1] // steps
    losses = np.exp(curves[..., : whole * steps]).reshape(*curves.shape[:-1], whole, steps)
    return np.log(losses.mean(-1))


def extrapolated(curves: Curves, widths: Sequence[int]) -> Float[np.ndarray, "block step"]:
    """How far the line through two narrow widths is off at that of the wide one."""
    first, second, wide = (1 / width for width in widths)
    share = (wide - second) / (first - second)
    return curves[:, 1] + share * (curves[:, 0] - curves[:, 1]) - curves[:, 2]


def square_of(errors: Float[np.ndarray, "block step"]) -> float:
    """Mean square over the curve of errors in the mean over blocks, less their noise."""
    noise = errors.var(0, ddof=1) / len(errors)
    return float(np.mean(errors.mean(0) ** 2 - noise))


def size_of(errors: Float[np.ndarray, "block step"]) -> float:
    """The root of `square_of`; zero where there is no more than noise."""
    return float(np.sqrt(max(square_of(errors), 0.0)))


def square_of_units(curves: Curves, widths: Sequence[int], num: int) -> float:
    """Square of the units per point and output at which the error is a tenth of the fall of the loss.

    Errors of all narrow widths together are c n (1/m' - 1/M), the first order in 1/m' for networks without
    a limit on how many points they hold; their squares, less noise, are weighed by the inverse of that.
    """
    wide = curves[:, -1].mean(0)
    fall = np.mean((wide - wide[0]) ** 2)
    share = num * (1 / np.array(widths[:-1], float) - 1 / widths[-1])
    squares = [square_of(curves[:, k] - curves[:, -1]) for k in range(len(share))]
    return float(np.sum(squares / share) / np.sum(share) / fall) / WITHIN**2


def crossing(at: Sequence[float], sizes: Sequence[float], bound: float) -> float:
    """Where sizes cross the bound, between logarithms of neighbours.

    The last place where they stay below it; NaN where they stay above.

    Example:
        >>> crossing((16, 64), (0.2, 0.05), 0.1)
        32.0
    """
    known = np.where(np.isfinite(sizes), sizes, np.inf)
    logs = np.log(np.maximum(known, 1e-6) / bound)
    places = np.log(at)
    for k in range(len(at) - 1):
        if (logs[k] > 0) != (logs[k + 1] > 0):
            if not np.isfinite(logs[k : k + 2]).all():  # diverged: the last place that was inside
                return float(at[k if logs[k] <= 0 else k + 1])
            share = logs[k] / (logs[k] - logs[k + 1])
            return float(round(np.exp(places[k] + share * (places[k + 1] - places[k])), 12))
    if (logs > 0).any():
        return float("nan")
    return float(at[-1] if known[0] < known[-1] else at[0])


def largest_stable_rate_of(build: Build_of_block, data: Data) -> float:
    """2 n / lambda_max of the wide network's tangent kernel, in the mean over a few draws."""
    x, found = data[0], []
    for seed in range(4):
        apply, params = build(BLOCKS)(WIDE, seed)
        slopes = jax.tree.leaves(jax.jacobian(lambda p: apply(p, x).ravel())(params))  # noqa: B023
        rows = np.hstack([np.asarray(each, float).reshape(len(x), -1) for each in slopes])
        found.append(2 * len(x) / np.linalg.eigvalsh(rows @ rows.T)[-1])
    return float(np.mean(found))


def _draw(width: int, seed: int) -> dict[str, Any]:
    keys = jax.random.split(random_key(seed), 3)
    return {
        "a": jax.random.normal(keys[0], (INPUT_DIM, width)) * INPUT_DIM**-0.5,
        "b": jax.random.normal(keys[1], (width, width)) * width**-0.5,
        "c": jax.random.normal(keys[2], (width, 1)) * width**-0.5,
    }


def _points_finding() -> Finding:
    many = {}
    for num in POINTS:
        data = draw_points(num)
        rate = _HALF * largest_stable_rate_of(dense, data)
        many[num] = curves_of(dense, data, POINT_WIDTHS, rate=rate, steps=_POINT_STEPS)

    each = {
        num: root_of(blockwise(lambda kept, n=num: square_of_units(many[n][kept], POINT_WIDTHS, n)))
        for num in POINTS
    }
    worst = max(each.values(), key=lambda found: found.value or 0.0 if found else np.inf)
    return _finding(
        "end-points",
        "units per point times output from which on the loss falls like the wide network's, within a "
        "tenth of its fall: at most 8",
        worst,
        f"n = {', '.join(map(str, POINTS))} with one output, widths "
        f"{', '.join(map(str, POINT_WIDTHS[:-1]))} for {POINT_WIDTHS[-1]}, {_POINT_STEPS} steps at half of "
        "the stability limit; errors of all widths fitted by c n (1/m′ − 1/M), the larger of both c",
        "; ".join(f"n = {num}: {_told(one)}" for num, one in each.items()),
    )


def _edge_finding(data: Data, limit: float) -> Finding:
    widths = (*NARROW, WIDE)
    errors = [
        extrapolated(curves_of(dense, data, widths, rate=share * limit, steps=_STEPS), widths)
        for share in SHARES
    ]
    found = blockwise(lambda kept: crossing(SHARES, [size_of(e[kept]) for e in errors], WITHIN))
    told = ", ".join(
        f"{size_of(e):.3f} at {share:g}" for e, share in zip(errors, SHARES, strict=True)
    )
    return _finding(
        "end-edge",
        "largest share of the stability limit 2n / λ_max at which loss curves agree within 0.1: at least 0.9",
        found,
        _basis("gradient descent"),
        f"Errors of the curve: {told}; nan where trainings diverged.",
    )


def _batches_finding(data: Data, limit: float) -> Finding:
    widths, rng, errors = (*NARROW, WIDE), np.random.default_rng(DRAW), []
    for size in SIZES:
        batches = np.stack([rng.permutation(_NUM_POINTS)[:size] for _ in range(_STEPS)])
        told = {"rate": _SLOW * limit, "steps": _STEPS, "batches": batches}
        curves = over_epochs(curves_of(dense, data, widths, **told), _NUM_POINTS // size)
        errors.append(extrapolated(curves, widths))
    found = root_of(blockwise(lambda kept: square_of(errors[-1][kept])))
    told = ", ".join(f"{size_of(e):.3f} for {size}" for e, size in zip(errors, SIZES, strict=True))
    return _finding(
        "end-batches",
        "error of the curve of losses over epochs with batches of one point, in the same order: at most "
        "0.1",
        found,
        _basis(f"batches at {_SLOW:g} of the stability limit"),
        f"Errors by size of the batch: {told}.",
    )


def _norm_finding(data: Data) -> Finding:
    x, y = data
    sets = (
        np.stack([x, x[::-1]]),
        np.stack([y[:, 0], y[::-1, 0]]),
    )  # one set twice, in another order
    rate = _SLOW * largest_stable_rate_of_set(sets)
    widths = (*NARROW, WIDE)
    curves = curves_of(normalised, sets, widths, rate=rate, steps=_STEPS)
    raw = ", ".join(
        f"{size_of(curves[:, k] - curves[:, -1]):.3f} at {width}" for k, width in enumerate(NARROW)
    )
    errors = extrapolated(curves, widths)
    return _finding(
        "end-batch-norm",
        "error of the loss curve with batch norm before the second hidden layer: at most 0.1",
        root_of(blockwise(lambda kept: square_of(errors[kept]))),
        _basis(f"ReLU, batch norm over all points, {_SLOW:g} of the stability limit", _NORM_POINTS),
        f"Not extrapolated: {raw}.",
    )


def largest_stable_rate_of_set(sets: Data) -> float:
    """The same for networks that take a whole set at once, whose loss is a sum over points, not a mean."""
    one = sets[0][:1]

    def build(block: int) -> Build:
        def made(width: int, seed: int) -> Any:
            apply, params = normalised(block)(width, seed)
            return (lambda p, x: apply(p, one)), params

        return made

    return largest_stable_rate_of(build, (one[0], sets[1])) / one.shape[1]


def _finding(name: str, claim: str, found: Estimate | None, basis: str, note: str) -> Finding:
    rule, expected, _ = _ROWS[name]
    verdict = "undecided" if found is None else rule.judge(found, None) or "undecided"
    return Finding(name, claim, None, found, verdict, basis, expected=expected, note=note)


def _basis(what: str, num_points: int = _NUM_POINTS) -> str:
    return (
        f"{what}, two hidden layers, {num_points} points in {INPUT_DIM} dimensions, {_STEPS} steps, line "
        f"through widths {NARROW[0]} and {NARROW[1]} read at {WIDE}, {_SEEDS * BLOCKS} seeds each; rms over "
        "the curve less noise"
    )


def _told(found: Estimate | None) -> str:
    if found is None or found.value is None:
        return "-"
    return f"{found.value:.2g} [{found.low:.2g}, {found.high:.2g}]"
