"""How fast is the tangent kernel of a PyTorch module, against the recipe of torch.func?

    python -m benchmarks torch_kernel

Six modules, single precision, one thread, a set of examples against itself. Contenders take turns in
every round, so that whatever else the machine does hits all of them; reported are minima over rounds.
Processor times are given as well: on a busy machine they are the steadier of the two.

    lazyscope     tangent_kernel(module, x), with its checks of module and inputs
    prepared      the same without the checks, as an observer uses it
    recipe        the Jacobian contraction of the NTK tutorial of PyTorch, as printed there: per-example
                  Jacobians of x1 and of x2 by vmap(jacrev(functional_call)), then einsum
    one Jacobian  the same with the Jacobian formed once
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, jacrev, vmap

from benchmarks.torch_kernel_cases import CASES
from lazyscope.torch import explain_tangent_kernel, tangent_kernel
from lazyscope.torch.kernel._kernel import MEMORY, kernel_of, prepare

RECIPE_ROUNDS = 3


def run(rounds: int = 9) -> dict:
    """Seconds, ratios and agreement of every case."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # vmap remarks on what it does slowly
            rows = [row for case in CASES for row in _case(case, rounds)]
    finally:
        torch.set_num_threads(threads)
    return {
        "rows": rows,
        "torch": torch.__version__,
        "notes": [
            "ratio: time over that of lazyscope; 20 asked of the recipe.",
            "Few weights at many positions: per-example gradients are the shorter order, as in the recipe.",
        ],
    }


def _case(case: Callable[[], tuple[nn.Module, torch.Tensor]], rounds: int) -> list[dict[str, Any]]:
    torch.manual_seed(0)
    module, x = case()
    prepared = prepare(module, x, None, MEMORY)
    contenders: dict[str, Callable[[], np.ndarray]] = {
        "lazyscope": lambda: tangent_kernel(module, x),
        "prepared": lambda: kernel_of(prepared),
        "recipe": lambda: recipe(module, x, x.clone()),
        "one Jacobian": lambda: recipe(module, x, x),
    }
    answers = {name: call() for name, call in contenders.items()}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, call in contenders.items():
            if number < RECIPE_ROUNDS or name in ("lazyscope", "prepared"):
                start, processor = time.perf_counter(), time.process_time()
                call()
                times[name].append((time.perf_counter() - start, time.process_time() - processor))
    how = explain_tangent_kernel(module, x)
    kernel = answers["lazyscope"]
    least = {name: [min(column) for column in zip(*s, strict=True)] for name, s in times.items()}
    parameters = sum(p.numel() for p in module.parameters())
    jacobian = len(x) * kernel.shape[-1] * parameters * x.element_size() / 2**20
    rows = []
    for name, (seconds, processor) in least.items():
        gap = np.abs(answers[name] - kernel).max() / np.abs(kernel).max()
        ours = name in ("lazyscope", "prepared")
        numbers = {
            "seconds": seconds,
            "processor": processor,
            "ratio": seconds / least["lazyscope"][0],
            "processor_ratio": processor / least["lazyscope"][1],
            "relative_difference": float(gap),
            "mebibytes": how.bytes_needed / 2**20 if ours else jacobian,
        }
        rounded = {key: float(f"{value:.4g}") for key, value in numbers.items()}
        rows.append({"case": case.__name__, "contender": name} | rounded)
    return rows


def recipe(module: nn.Module, x1: torch.Tensor, x2: torch.Tensor) -> np.ndarray:
    """``empirical_ntk_jacobian_contraction`` of the tutorial, the sum over parameters in full."""
    params = {name: p.detach() for name, p in module.named_parameters()}

    def single(params: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(module, params, (x.unsqueeze(0),)).squeeze(0)

    jac1 = [j.flatten(2) for j in vmap(jacrev(single), (None, 0))(params, x1).values()]
    jac2 = jac1
    if x2 is not x1:
        jac2 = [j.flatten(2) for j in vmap(jacrev(single), (None, 0))(params, x2).values()]
    parts = [torch.einsum("Naf,Mbf->NMab", j1, j2) for j1, j2 in zip(jac1, jac2, strict=True)]
    return torch.stack(parts).sum(0).numpy()
