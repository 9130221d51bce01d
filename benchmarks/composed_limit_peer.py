"""What are neural-tangents' kernels of composed networks, and how long do they take?

Runs in its own environment.

It reads a case for each line: a composition as nested lists, points, and how often to time; it writes the
kernels as an array and one JSON object with seconds. The first call of a program is not timed.
"""

import json
import sys
import time
import types
import warnings
from pathlib import Path

# Its experimental part needs TensorFlow and is not used here.
sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")
warnings.filterwarnings("ignore")

import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)

import numpy as np  # noqa: E402
from neural_tangents import stax  # noqa: E402

ACTIVATIONS = {"relu": stax.Relu, "erf": stax.Erf, "gelu": stax.Gelu, "sine": stax.Sin}


def built(spec):
    """Layers of stax from ["kind", settings, children]."""
    kind, given, inner = spec
    children = [built(one) for one in inner]
    if kind == "serial":
        return stax.serial(*children) if children else stax.Identity()
    if kind == "fan_out":
        together = {"sum": stax.FanInSum, "concatenate": lambda: stax.FanInConcat(-1)}
        return stax.serial(
            stax.FanOut(len(children)), stax.parallel(*children), together[given["combine"]]()
        )
    if kind == "residual":
        branch = stax.serial(*children)
        return stax.serial(stax.FanOut(2), stax.parallel(stax.Identity(), branch), stax.FanInSum())
    if kind == "dense":
        return stax.Dense(given.get("outputs") or 512, given["weight_std"], given["bias_std"])
    if kind == "conv":
        shape, strides = tuple(given["kernel_shape"]), tuple(given["strides"])
        stds = given["weight_std"], given["bias_std"]
        return stax.Conv(512, shape, strides, given["padding"], *stds)
    if kind == "activation":
        return ACTIVATIONS[given["sigma"]]()
    if kind == "flatten":
        return stax.Flatten()
    if kind in ("avg_pool", "sum_pool"):
        layer = stax.AvgPool if kind == "avg_pool" else stax.SumPool
        return layer(tuple(given["window_shape"]), tuple(given["strides"]), given["padding"])
    if kind == "global_avg_pool":
        return stax.GlobalAvgPool()
    if kind == "layer_norm":
        return stax.LayerNorm(axis=-1, eps=given.get("epsilon", 1e-12))
    if kind == "dropout":
        return stax.Dropout(given["keep"])
    assert kind == "global_self_attention", kind
    return stax.GlobalSelfAttention(
        512,
        n_chan_key=64,
        n_chan_val=64,
        n_heads=8,
        linear_scaling=given["scaling"] == "linear",
        attention_mechanism="SOFTMAX" if given["scaling"] == "linear" else "IDENTITY",
        W_key_std=given["key_std"],
        W_value_std=given["value_std"],
        W_query_std=given["key_std"],
        W_out_std=given["output_std"],
        b_std=given["bias_std"] or None,
    )


def main(folder: Path) -> None:
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), folder)
        except (NotImplementedError, ValueError, TypeError, AssertionError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def _answer(case, folder):
    kernel = built(case["spec"])[2]
    program = jax.jit(lambda a, b: kernel(a, b, ("nngp", "ntk")))
    only = jax.jit(lambda a, b: kernel(a, b, "ntk"))
    answer = {}
    for dtype in case["dtypes"]:
        x1, x2 = (
            None if name is None else np.load(folder / name).astype(dtype)
            for name in (case["x1"], case["x2"])
        )
        if not case["times"]:
            found = program(x1, x2)
            np.save(folder / "kernels.npy", np.stack([found.nngp, found.ntk]))
            continue
        only(x1, x2).block_until_ready()
        seconds = []
        for _ in range(case["times"]):
            clock = time.perf_counter()
            only(x1, x2).block_until_ready()
            seconds.append(time.perf_counter() - clock)
        answer[dtype] = min(seconds)
    return answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
