"""What is one valid call of everything public of parametrisations, networks, kernels and forecasts?"""

import jax.numpy as jnp
import numpy as np

from contract.valid.objects import apply, dense, layers, numbers, problem, scheme, tree
from lazyscope import kernel, model, scaling


def calls(folder):
    """Keyword arguments by ``room.name``; `folder` is empty and can be written."""
    x, y = numbers(5, 3), numbers(5, 1)
    limit = {"x1": x, "depth": 1, "activation": "erf"}
    net = {"apply": apply, "params": tree(), "x1": x}
    return {
        "scaling.FanAverageLaw": {"fixed_fan": 3},
        "scaling.PowerLaw": {"constant": 1.0, "exponent": 0.5},
        "scaling.ValueAtWidth": {"value": 1.0, "width": 4},
        "scaling.Scheme": {
            "name": "mine",
            "scales": (scaling.PowerLaw(1.0),) * 2,
            "speeds": (scaling.PowerLaw(1.0),) * 2,
            "source": "",
            "description": "",
        },
        "scaling.displacement_exponents": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.displacements_at_width": {
            "alpha": (2.0, 3.0),
            "speed": (1.0, 1.0),
            "gap": 1.0,
            "kernel_weights": (1.0, 1.0),
        },
        "scaling.frobenius_displacement_exponents": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.from_abc": {"a": (0.0, 0.5), "b": (0.0, 0.0), "c": 0.0, "name": "abc"},
        "scaling.initial_operator_norms": {
            "width": 16,
            "depth": 2,
            "input_dim": 3,
            "output_dim": 1,
        },
        "scaling.layer_regimes": {"scale_exponents": (0.5, 0.0), "speed_exponents": (0.0, 0.0)},
        "scaling.named_scheme": {
            "name": "he",
            "depth": 2,
            "input_dim": 3,
            "output_dim": 1,
            "activation": "relu",
        },
        "scaling.needs_input_dim": {"name": "ntk"},
        "scaling.network_regime": {"scale_exponents": (0.5, 0.0), "speed_exponents": (0.0, 0.0)},
        "scaling.phase_point": {"scheme": scheme()},
        "scaling.regime_report": {"scheme": scheme(), "width": 16},
        "scaling.relative_speed_exponents": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.scheme_names": {},
        "scaling.scheme_parameters": {"name": "luo"},
        "scaling.slowest_correction": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.to_abc": {"scheme": scheme(), "fix": "inits"},
        "model.Activation": {
            "name": "mine",
            "function": jnp.tanh,
            "homogeneous": False,
            "smooth": True,
            "slope_at_zero": 1.0,
        },
        "model.Attention": {
            "input_shape": (4, 3),
            "output_dim": 1,
            "width": 8,
            "num_heads": 2,
            "activation": "tanh",
            "score_scale": 0.5,
            "branch_scale": 1.0,
        },
        "model.Centred": {"inner": dense(), "initial": layers()},
        "model.Convolution": {
            "input_shape": (6, 6, 1),
            "output_dim": 1,
            "width": 4,
            "depth": 1,
            "activation": "relu",
            "kernel_size": 3,
            "stride": 1,
            "padding": "same",
        },
        "model.Dense": {
            "input_dim": 3,
            "output_dim": 1,
            "width": 4,
            "depth": 1,
            "activation": "relu",
            "use_bias": False,
            "output_scale": 1.0,
        },
        "model.FunctionModel": {"apply": apply, "groups": model.parameter_groups(tree())},
        "model.LayerNorm": {
            "input_dim": 3,
            "output_dim": 1,
            "width": 4,
            "depth": 1,
            "activation": "relu",
            "epsilon": 1e-12,
        },
        "model.Residual": {
            "input_dim": 3,
            "output_dim": 1,
            "width": 4,
            "depth": 2,
            "activation": "relu",
            "branch_scale": 1.0,
        },
        "model.ResidualConvolution": {
            "input_shape": (6, 6, 1),
            "output_dim": 1,
            "width": 4,
            "depth": 2,
            "activation": "relu",
            "kernel_size": 3,
            "stride": 1,
            "branch_scale": 1.0,
        },
        "model.activation": {"name": "relu"},
        "model.activation_names": {},
        "model.check_memory": {"num_parameters": 10, "what": "a network", "bytes_per_number": 8},
        "model.parameter_groups": {"params": tree(), "groups": None},
        "model.physical_memory": {},
        "model.speeds_by_name": {"speeds": {"a": 1.0}, "names": ("a", "b")},
        "kernel.FunctionKernel": {
            "model": model.FunctionModel(apply, model.parameter_groups(tree())),
            "memory": 2**30,
        },
        "kernel.LayerwiseKernel": {"model": dense()},
        "kernel.PiecewiseSmooth": {"function": jnp.abs, "kinks": (0.0,)},
        "kernel.check_function": {"apply": apply, "params": tree(), "x": x, "memory": 2**30},
        "kernel.explain_tangent_kernel": dict(**net, x2=x, memory=2**30),
        "kernel.limit_covariance_kernel": dict(
            **limit,
            x2=x,
            weight_std=1.0,
            bias_std=0.0,
            readout_weight_std=1.0,
            readout_bias_std=0.0,
            tile=64,
        ),
        "kernel.limit_tangent_kernel": dict(**limit, x2=x, weight_std=1.0, bias_std=0.0, tile=64),
        "kernel.limit_tangent_kernel_by_layer": dict(
            **limit, x2=x, weight_std=1.0, bias_std=0.0, tile=64
        ),
        "kernel.normalised_limit_kernels": {
            "x1": x / np.linalg.norm(x, axis=1, keepdims=True),
            "depth": 1,
            "activation": "erf",
            "weight_std": 1.0,
            "tile": 64,
        },
        "kernel.predict_flow": {
            "k_train_train": x @ x.T + np.eye(5),
            "y": y,
            "t": 1.0,
            "k_test_train": x[:2] @ x.T,
            "f0_train": 0.0,
            "f0_test": 0.0,
        },
        "kernel.tangent_kernel": dict(**net, x2=x, memory=2**30),
        "kernel.tangent_kernel_by_leaf": dict(**net, x2=x, memory=2**30),
        "kernel.tangent_kernel_product": dict(**net, vector=y, x2=x, memory=2**30),
        "forecast.forecast": {
            "kernel": kernel.LayerwiseKernel(dense()),
            "params": layers(),
            "x": x,
            "y": y,
            "speeds": (1.0, 1.0),
            "at_fraction": 0.0,
        },
        "forecast.forecast_problem": {"problem": problem(), "at_fraction": 0.0},
        "forecast.guaranteed_rate": {
            "alpha": np.ones(2),
            "speed": np.ones(2),
            "smallest": np.ones(2),
            "num_points": 4,
        },
        "forecast.limit_lambda_min": {
            "scheme": scheme(),
            "model": dense(),
            "x": x / np.linalg.norm(x, axis=1, keepdims=True),
        },
    }
