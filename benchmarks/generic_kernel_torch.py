"""How long does the recipe of torch.func take? Answers on standard input and output, in its own process.

The recipe of PyTorch's tutorial on tangent kernels, Jacobian contraction: ``vmap(jacrev(...))`` over the
examples, then one ``einsum`` per parameter. The Jacobian of a set with itself is computed once, not
twice as the tutorial does. Protocol as in generic_kernel_peer.py; weights are those of the cases.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.func import jacrev, vmap
from torch.nn import functional

from generic_kernel_cases import CASES


def _mlp(params, x):
    for w in params[:-1]:
        x = torch.relu(x @ w)
    return x @ params[-1]


def _convolve(x, w):
    return functional.conv2d(x, w, padding="same")


def _cnn(params, x):
    h = functional.avg_pool2d(torch.relu(_convolve(x, params["first"])), 2)
    h = functional.avg_pool2d(torch.relu(_convolve(h, params["second"])), 2)
    return h.mean((2, 3)) @ params["out"]


def _residual(params, x):
    h = _convolve(x, params["stem"])
    h = h + _convolve(torch.relu(_convolve(torch.relu(h), params["a"])), params["b"])
    return torch.relu(h).mean((2, 3)) @ params["out"]


NETWORKS = {"small_cnn": _cnn, "residual_block": _residual}


def main(folder: Path) -> None:
    ready = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in ready:
            ready[name] = _ready(name)
        network, params, x = ready[name]
        clock, processor = time.perf_counter(), time.process_time()
        kernel = _kernel(network, params, x)
        answer = {
            "seconds": time.perf_counter() - clock,
            "processor": time.process_time() - processor,
        }
        np.save(folder / f"{name}.npy", kernel.numpy())
        print(json.dumps(answer), flush=True)


def _ready(name: str):
    _, params, x = CASES[name]()
    if isinstance(params, list):
        return _mlp, [torch.tensor(w) for w in params], torch.tensor(x)
    torched = {key: torch.tensor(_outputs_first(w)) for key, w in params.items()}
    return NETWORKS[name], torched, torch.tensor(np.ascontiguousarray(np.moveaxis(x, 3, 1)))


def _outputs_first(w: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.transpose(w, (3, 2, 0, 1))) if w.ndim == 4 else w


@torch.no_grad()
def _kernel(network, params, x) -> torch.Tensor:
    def single(params, one):
        return network(params, one[None])[0]

    jacobian = vmap(jacrev(single), (None, 0))(params, x)
    leaves = jacobian.values() if isinstance(jacobian, dict) else jacobian
    flat = [leaf.flatten(2) for leaf in leaves]
    return sum(torch.einsum("naf,mbf->nmab", one, one) for one in flat)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
