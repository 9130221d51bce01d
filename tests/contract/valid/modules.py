"""What is one valid call of everything public on the side of PyTorch?"""

import numpy as np

from contract.valid.objects import numbers
from lazyscope import observe


def calls(folder):
    """Keyword arguments by ``room.name``; none without PyTorch."""
    try:
        import torch
    except ImportError:
        return {}
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    x, y = numbers(5, 3).astype(np.float32), numbers(5, 1).astype(np.float32)
    net = {"module": layers, "x1": x, "x2": x, "memory": 2**30}
    return {
        "torch.Observer": {
            "module": layers,
            "x_probe": x,
            "y_probe": y,
            "cadence": observe.Cadence(),
            "loss": "squared",
        },
        "torch.explain_tangent_kernel": net,
        "torch.forecast": {"module": layers, "x": x, "y": y, "stop": 0.0, "memory": 2**30},
        "torch.parameter_groups": {"module": layers, "x": x},
        "torch.roles_of": {
            "build": lambda width, seed: torch.nn.Linear(3, width),
            "x": x,
            "widths": (4, 8),
            "seed": 0,
        },
        "torch.tangent_kernel": net,
        "torch.tangent_kernel_by_parameter": net,
        "torch.tangent_kernel_diagonal": net,
        "torch.tangent_kernel_trace": net,
        "torch.linearise": {"module": layers},
        "torch.taylor": {"module": layers, "degree": 2},
        "torch.conjugate_kernel": {**net, "layer": "1"},
        "torch.tangent_kernel_product": {**net, "vector": y},
    }
