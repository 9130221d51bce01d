"""Which compositions are compared with neural-tangents: one for each block, and random ones from a seed?

A composition is nested lists ["kind", settings, children], which either library builds.
"""

import math
from typing import Any

import numpy as np

from lazyscope import composed

Spec = list[Any]

RELU = ["activation", {"sigma": "relu"}, []]
FLATTEN, GLOBAL = ["flatten", {}, []], ["global_avg_pool", {}, []]


def built(spec: Spec) -> composed.AbstractPart:
    """The part of ours that a composition means."""
    kind, given, children = spec
    inner = [built(one) for one in children]
    settings = dict(given)
    if kind in ("conv", "avg_pool", "sum_pool"):
        name = "kernel_shape" if kind == "conv" else "window_shape"
        return getattr(composed, kind)(settings.pop(name), **settings)
    if kind == "activation":
        return composed.activation(settings["sigma"])
    return getattr(composed, kind)(*inner, **settings)


def dense(outputs: int | None = None, weight: float = 1.4, bias: float = 0.1) -> Spec:
    return ["dense", {"outputs": outputs, "weight_std": weight, "bias_std": bias}, []]


def conv(shape, strides=None, padding="SAME", weight: float = 1.4, bias: float = 0.1) -> Spec:
    strides = list(strides or [1] * len(shape))
    stds = {"weight_std": weight, "bias_std": bias}
    return [
        "conv",
        {"kernel_shape": list(shape), "strides": strides, "padding": padding} | stds,
        [],
    ]


def pool(kind: str, shape, strides=None, padding="VALID") -> Spec:
    strides = list(strides or [1] * len(shape))
    return [kind, {"window_shape": list(shape), "strides": strides, "padding": padding}, []]


def attention(scaling: str, bias: float = 0.0) -> Spec:
    stds = {"key_std": 0.9, "value_std": 1.2, "output_std": 1.1, "bias_std": bias}
    return ["global_self_attention", {"scaling": scaling} | stds, []]


def residual(*parts: Spec) -> Spec:
    return ["residual", {}, list(parts)]


def serial(*parts: Spec) -> Spec:
    return ["serial", {}, list(parts)]


IMAGE, SEQUENCE, VOLUME, PLAIN = (5, 6, 2), (9, 3), (4, 3, 4, 2), (7,)

BLOCKS: dict[str, tuple[tuple[int, ...], Spec]] = {
    "dense": (PLAIN, serial(dense(), RELU, dense(), RELU, dense(1))),
    "erf": (PLAIN, serial(dense(), ["activation", {"sigma": "erf"}, []], dense(1))),
    "gelu": (PLAIN, serial(dense(), ["activation", {"sigma": "gelu"}, []], dense(1))),
    "sine": (PLAIN, serial(dense(), ["activation", {"sigma": "sine"}, []], dense(1))),
    "conv flatten": (IMAGE, serial(conv((3, 3)), RELU, conv((2, 3)), RELU, FLATTEN, dense(1))),
    "conv sequence": (
        SEQUENCE,
        serial(conv((4,)), RELU, conv((3,), (2,)), RELU, FLATTEN, dense(1)),
    ),
    "conv volume": (VOLUME, serial(conv((3, 2, 3)), RELU, conv((2, 2, 2)), RELU, GLOBAL, dense(1))),
    "conv strides": (
        IMAGE,
        serial(conv((3, 3), (2, 2)), RELU, conv((3, 3)), RELU, GLOBAL, dense(1)),
    ),
    "conv valid": (IMAGE, serial(conv((3, 3), None, "VALID"), RELU, GLOBAL, dense(1))),
    "conv circular": (
        IMAGE,
        serial(
            conv((3, 3), (2, 1), "CIRCULAR"), RELU, conv((2, 2), None, "CIRCULAR"), GLOBAL, dense(1)
        ),
    ),
    "avg pool": (
        IMAGE,
        serial(
            conv((3, 3)),
            RELU,
            pool("avg_pool", (2, 2), (2, 2)),
            conv((2, 2)),
            RELU,
            FLATTEN,
            dense(1),
        ),
    ),
    "avg pool same": (
        IMAGE,
        serial(
            conv((3, 3)),
            RELU,
            pool("avg_pool", (2, 3), None, "SAME"),
            conv((2, 2)),
            RELU,
            GLOBAL,
            dense(1),
        ),
    ),
    "sum pool": (
        IMAGE,
        serial(conv((3, 3)), RELU, pool("sum_pool", (2, 2), (1, 2), "CIRCULAR"), FLATTEN, dense(1)),
    ),
    "global pool": (IMAGE, serial(conv((3, 3)), RELU, conv((3, 3)), RELU, GLOBAL, dense(1))),
    "residual": (
        PLAIN,
        serial(dense(), residual(RELU, dense()), residual(RELU, dense()), RELU, dense(1)),
    ),
    "residual conv": (
        IMAGE,
        serial(
            conv((3, 3)), residual(RELU, conv((3, 3)), RELU, conv((3, 3))), RELU, GLOBAL, dense(1)
        ),
    ),
    "concatenate": (
        IMAGE,
        serial(
            conv((3, 3)),
            RELU,
            [
                "fan_out",
                {"combine": "concatenate"},
                [serial(conv((3, 3)), RELU), serial(conv((1, 1)), RELU)],
            ],
            GLOBAL,
            dense(1),
        ),
    ),
    "layer norm": (
        IMAGE,
        serial(
            conv((3, 3)),
            ["layer_norm", {}, []],
            RELU,
            conv((3, 3)),
            ["layer_norm", {}, []],
            RELU,
            GLOBAL,
            dense(1),
        ),
    ),
    "dropout": (
        PLAIN,
        serial(dense(), RELU, ["dropout", {"keep": 0.7}, []], dense(), RELU, dense(1)),
    ),
    "attention linear": (
        SEQUENCE,
        serial(dense(), attention("linear", 0.2), RELU, dense(), GLOBAL, dense(1)),
    ),
    "attention root": (SEQUENCE, serial(dense(), attention("root", 0.2), RELU, GLOBAL, dense(1))),
}
"""Input shape and composition for every block."""


def random_case(rng: np.random.Generator) -> tuple[tuple[int, ...], Spec]:
    """Input shape and a random composition, all parts drawn."""
    axes = int(rng.integers(0, 4))
    lengths = {0: (), 1: (12,), 2: (6, 7), 3: (4, 5, 4)}[axes]
    positions = tuple(int(rng.integers(max(3, n - 2), n + 1)) for n in lengths)
    shape = (*positions, int(rng.integers(1, 6)))
    parts, left = [], positions
    parts.append(_layer(rng, left))
    left = _left(parts[-1], left)
    for _ in range(int(rng.integers(1, 5))):
        kind = rng.choice(["layer", "residual", "norm", "pool", "dropout", "fan", "attention"])
        if kind == "residual":
            same = [_activation(rng), _layer(rng, left, keep=True)]
            if rng.random() < 0.3:
                same += [residual(_activation(rng), _layer(rng, left, keep=True))]
            parts.append(residual(*same))
        elif kind == "norm":
            parts += [["layer_norm", {}, []], _activation(rng), _layer(rng, left)]
        elif kind == "pool" and left and min(left) >= 2:
            padding = str(rng.choice(["VALID", "SAME", "CIRCULAR"]))
            strides = [int(rng.integers(1, 3)) for _ in left]
            which = str(rng.choice(["avg_pool", "sum_pool"]))
            one = pool(which, [2] * len(left), strides, padding)
            parts += [_activation(rng), one, _layer(rng, _left(one, left), keep=True)]
            left = _left(one, left)
        elif kind == "dropout":
            keep = round(float(rng.uniform(0.5, 0.95)), 3)
            parts += [
                _activation(rng),
                ["dropout", {"keep": keep}, []],
                _layer(rng, left, keep=True),
            ]
        elif kind == "fan":
            branches = [
                serial(_layer(rng, left, keep=True)) for _ in range(int(rng.integers(2, 4)))
            ]
            combine = str(rng.choice(["sum", "concatenate"]))
            parts.append(["fan_out", {"combine": combine}, branches])
            parts += [] if combine == "sum" else [_layer(rng, left, keep=True)]
        elif kind == "attention" and left:
            scaling = str(rng.choice(["linear", "root"]))
            parts.append(attention(scaling, float(rng.choice([0.0, 0.3]))))
            parts.append(["layer_norm", {}, []])
        else:
            parts += [_activation(rng), _layer(rng, left)]
        if kind in ("norm", "layer"):
            left = _left(parts[-1], left)
    end = [FLATTEN if rng.random() < 0.5 else GLOBAL] if left else []
    return shape, serial(*parts, _activation(rng), *end, dense(1))


def _activation(rng: np.random.Generator) -> Spec:
    return ["activation", {"sigma": str(rng.choice(["relu", "relu", "erf", "gelu", "sine"]))}, []]


def _layer(rng: np.random.Generator, left: tuple[int, ...], *, keep: bool = False) -> Spec:
    stds = round(float(rng.uniform(0.8, 1.6)), 3), round(float(rng.uniform(0.05, 0.5)), 3)
    if not left or rng.random() < 0.25:
        return dense(None, *stds)
    shape = [int(rng.integers(1, min(3, n) + 1)) for n in left]
    padding = str(rng.choice(["SAME", "CIRCULAR"] if keep else ["SAME", "CIRCULAR", "VALID"]))
    strides = [1 if keep else int(rng.choice([1, 1, 2])) for _ in left]
    return conv(shape, strides, padding, *stds)


def _left(spec: Spec, left: tuple[int, ...]) -> tuple[int, ...]:
    """Positions behind a layer."""
    kind, given, _ = spec
    if kind not in ("conv", "avg_pool", "sum_pool"):
        return left
    sizes = given["kernel_shape"] if kind == "conv" else given["window_shape"]
    if given["padding"] == "VALID":
        return tuple(
            (n - k) // s + 1 for n, k, s in zip(left, sizes, given["strides"], strict=True)
        )
    return tuple(math.ceil(n / s) for n, s in zip(left, given["strides"], strict=True))


def timed(points_positions: int = 8) -> dict[str, tuple[int, tuple[int, ...], Spec, float]]:
    """Number of points, input shape, composition and the ratio asked, for what is timed."""
    three = [part for _ in range(3) for part in (conv((3, 3)), RELU)]
    norm = [part for _ in range(3) for part in (conv((3, 3)), ["layer_norm", {}, []], RELU)]
    hidden = [part for _ in range(3) for part in (dense(), RELU)]
    skips = [residual(RELU, conv((3, 3))) for _ in range(2)]
    side = points_positions
    return {
        "dense": (500, (64,), serial(*hidden, dense(1)), 2.0),
        "dense, 4000 points": (4000, (64,), serial(*hidden, dense(1)), 6.0),
        f"conv flatten {side} x {side}": (
            64,
            (side, side, 3),
            serial(*three, FLATTEN, dense(1)),
            2.0,
        ),
        "conv flatten 16 x 16": (64, (16, 16, 3), serial(*three, FLATTEN, dense(1)), 2.0),
        f"conv global pool {side} x {side}": (
            64,
            (side, side, 3),
            serial(*three, GLOBAL, dense(1)),
            5.0,
        ),
        "residual conv flatten 8 x 8": (
            64,
            (8, 8, 3),
            serial(conv((3, 3)), *skips, RELU, FLATTEN, dense(1)),
            2.0,
        ),
        "layer norm flatten 8 x 8": (64, (8, 8, 3), serial(*norm, FLATTEN, dense(1)), 2.0),
        "attention": (
            32,
            (16, 8),
            serial(dense(), attention("linear"), RELU, dense(), GLOBAL, dense(1)),
            2.0,
        ),
    }
