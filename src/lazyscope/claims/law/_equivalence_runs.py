"""How far do many networks of one scheme move, and how long do they take, real ones and proxies?"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._jax import own_settings, random_key
from lazyscope._outcome import Outcome
from lazyscope.experiment import default_settings, run_data, run_inputs
from lazyscope.flow import Problem, one_lapack_thread, trace_flow
from lazyscope.kernel import LayerwiseKernel
from lazyscope.model import group_norms

_TOGETHER = 2**14
"""Entries of a hidden layer times networks that are stepped side by side: wider ones go one by one."""
_NUM_RECORDS = 4
QUICKLY_MADE = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_multi_thread_eigen": False,
}
"""Programs of few short runs: making them would take longer than all of the runs."""


def trained(
    settings: Mapping[str, Any], seeds: Sequence[int]
) -> Float[np.ndarray, "quantity seed"]:
    """Logarithms of the layers' displacements and of the time to the stop, NaN where a run failed.

    Displacements are Frobenius norms over those that are expected of the start, times the root of the width
    for hidden layers, whose start has norms with a power of the narrow width of their own. Centred networks,
    the runs of one width in one program.

    Args:
        settings: of a run, without its seed.
        seeds: of the networks.
    """
    told: dict[str, Any] = {**default_settings(), **settings}
    width, depth = int(told["width"]), int(told["depth"])
    with own_settings(), one_lapack_thread():
        data = run_data(told)
        inputs = run_inputs(told | {"seed": 0}, data) | {"seed": jnp.asarray(seeds, jnp.int64)}
        at_once = max(_TOGETHER // width**2, 1)
        dynamic, static = eqx.partition(inputs, eqx.is_array)
        leaves, tree = jax.tree.flatten(static)
        ran = _run(dynamic, tuple(leaves), tree, min(at_once, len(seeds)))
        moved, time, outcome = (np.asarray(each) for each in ran)
    network: Any = inputs["network"]
    sizes = np.sqrt([float(np.prod(shape)) for shape in network.shapes])
    start = sizes * np.asarray(inputs["weight_std"])
    start[1:depth] /= np.sqrt(width)
    values = np.vstack([moved.T / start[:, None], time])
    return np.log(np.where((outcome == Outcome.CONVERGED.value) & (values > 0), values, np.nan))


@functools.partial(jax.jit, static_argnums=(1, 2, 3), compiler_options=QUICKLY_MADE)
def _run(
    dynamic: dict[str, Any], leaves: tuple[Any, ...], tree: Any, at_once: int
) -> tuple[Array, Array, Array]:
    """Displacement of every layer, time and outcome, seed by seed."""
    inputs = eqx.combine(dynamic, jax.tree.unflatten(tree, leaves))

    def one(seed: Array) -> tuple[Array, Array, Array]:
        network, speeds = inputs["network"], inputs["speeds"]
        params = network.init_from_std(random_key(seed), inputs["weight_std"])
        x, y = jnp.asarray(inputs["x"]), jnp.asarray(inputs["y"])
        kernel = LayerwiseKernel(network)
        problem = Problem(network, kernel, params, x, y, jnp.asarray(speeds), start_share=0.0)
        ends = jnp.asarray(inputs["stop"]), jnp.inf
        most = jnp.asarray(inputs["max_steps"])
        run = trace_flow(problem, inputs["method"], *ends, max_steps=most, num_records=_NUM_RECORDS)
        return group_norms(run.displacement), run.time, run.outcome_code

    return jax.lax.map(one, inputs["seed"], batch_size=at_once if at_once > 1 else None)
