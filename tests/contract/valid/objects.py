"""Which small networks, problems and records are the valid calls made of?"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope import claims, data, flow, measure, model, observe, scaling, sweep
from lazyscope import experiment as single_runs
from report.synthetic_kappa import synthetic_result
from report.synthetic_map import synthetic_map
from report.synthetic_studies import synthetic_condensation


def apply(params, x):
    """A network with one hidden layer of four units."""
    return jnp.tanh(x @ params["a"]) @ params["b"]


@cache
def numbers(*shape):
    """Numbers of this shape, drawn once."""
    return np.random.default_rng(shape).normal(size=shape)


@cache
def tree():
    return {"a": numbers(3, 4), "b": numbers(4, 1)}


@cache
def dense():
    return model.Dense(3, 1, 4, 1, "tanh")


@cache
def scheme():
    return scaling.named_scheme("ntk", depth=1, input_dim=3)


@cache
def layers():
    with jax.enable_x64(True):
        return dense().init(jax.random.key(0), scheme())


@cache
def problem():
    with jax.enable_x64(True):
        return flow.dense_problem(dense(), layers(), numbers(5, 3), numbers(5, 1))


@cache
def run():
    return single_runs.SingleRun(
        data.four_points(), scaling.Scheme.from_exponents((0.5, 0.5)), width=8
    )


@cache
def experiment():
    with jax.enable_x64(True):
        return run().experiment()


@cache
def record():
    observer = observe.Observer(apply, tree(), numbers(5, 3))
    observer.observe({"a": 1.1 * tree()["a"], "b": tree()["b"]}, step=1)
    return observer.record


@cache
def planes():
    return synthetic_map(num_cells=3, num_records=8, num_neurons=8, num_failed=0)


@cache
def claim():
    return claims.Claim("named", "a paper", "a statement", lambda effort: ())


@cache
def claim_record():
    """A claim as it was checked."""
    row = claims.Finding("row", "1 < 2", 1.0, 1.0, 0.9, 1.1, "agrees", "nothing")
    one = claims.Claim("named", "a paper", "a statement", lambda effort: (row,))
    return claims.check_claim(one, claims.RunSettings("quick", None, "0"))


@cache
def checked_claims():
    return claims.validation([claim()], {"named": claim_record()}, effort="quick")


@cache
def thresholds():
    kappa = np.geomspace(0.1, 10, 9)
    table = np.repeat((kappa > 1.1)[:, None], 4, axis=1).astype(float)
    return tuple([measure.estimate_threshold(kappa, table)] * 3)


@cache
def design():
    return sweep.SweepDesign(
        axes={"gamma": [0.5, 1.0], "width": [4, 8], "seed": [0]}, fixed={"gamma_prime": 0.0}
    )


@cache
def kappa_result():
    return synthetic_result(seeds=(0,), num_failed=0)


@cache
def condensed():
    return synthetic_condensation()
