"""What is one valid call of everything public of composed networks?"""

import numpy as np

from lazyscope import composed


def calls(folder):
    """Keyword arguments by ``room.name``."""
    del folder
    relu, dense = composed.activation("relu"), composed.dense()
    parts = composed.serial(dense, relu, composed.dense(outputs=1))
    net = composed.ComposedNetwork(parts, (3,), 4)
    rng = np.random.default_rng(0)
    kernel = {
        "network": net,
        "x1": rng.standard_normal((3, 3)),
        "x2": rng.standard_normal((2, 3)),
        "scheme": net.ntk_scheme(),
        "training": False,
        "memory": 2**20,
    }
    unit = {k: kernel[k] / np.linalg.norm(kernel[k], axis=1, keepdims=True) for k in ("x1", "x2")}
    stds = {"weight_std": 1.0, "bias_std": 0.1}
    window = {"window_shape": (2, 2), "strides": (1, 1), "padding": "SAME"}
    return {
        "composed.ComposedNetwork": {"parts": parts, "input_shape": (3,), "width": 4},
        "composed.activation": {"sigma": "relu"},
        "composed.avg_pool": window,
        "composed.composition_of": {"network": net},
        "composed.conv": {
            "kernel_shape": (2, 2),
            "strides": (1, 1),
            "padding": "SAME",
            **stds,
        },
        "composed.dense": {"outputs": 2, **stds},
        "composed.dropout": {"keep": 0.5},
        "composed.fan_out": {},
        "composed.flatten": {},
        "composed.global_avg_pool": {},
        "composed.global_self_attention": {
            "scaling": "root",
            "query_std": 1.0,
            "key_std": 1.0,
            "value_std": 1.0,
            "output_std": 1.0,
            "bias_std": 0.1,
        },
        "composed.layer_norm": {"over": "channels", "epsilon": 1e-6},
        "composed.network_covariance_kernel": kernel,
        "composed.network_tangent_kernel": kernel,
        "composed.network_tangent_kernel_by_layer": kernel,
        "composed.normalised_network_kernels": kernel | unit,
        "composed.residual": {},
        "composed.serial": {},
        "composed.sum_pool": window,
    }
