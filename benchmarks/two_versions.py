"""Do kernels of this checkout take longer than those of another one?

    LAZYSCOPE_OTHER=/path/to/other/checkout python -m benchmarks two_versions

Both versions run in processes of their own and take turns call by call, compiled beforehand, with one
thread of PyTorch. Ratios are of medians and of minima, new over old; processor times stand beside wall
times, as they are the steadier of the two on a busy machine.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 15
HERE = Path(__file__).parent.parent


def calls() -> dict[str, Callable[[], Any]]:
    """One call of every kind of kernel, by name."""
    import jax
    import torch

    from benchmarks import generic_kernel_cases, torch_kernel_cases
    from lazyscope.kernel import LayerwiseKernel, limit_tangent_kernel, tangent_kernel
    from lazyscope.model import Dense
    from lazyscope.scaling import named_scheme
    from lazyscope.torch import tangent_kernel as torch_tangent_kernel

    torch.set_num_threads(1)
    found: dict[str, Callable[[], Any]] = {}
    for name, case in generic_kernel_cases.CASES.items():
        apply, params, x = case()[:3]
        found[f"jax {name}"] = lambda a=apply, p=params, x=x: np.asarray(tangent_kernel(a, p, x))
    for case in torch_kernel_cases.CASES:
        torch.manual_seed(0)
        module, x = case()
        found[f"torch {case.__name__}"] = lambda m=module, x=x: torch_tangent_kernel(m, x)
    for activation in ("relu", "erf", "gelu"):
        for n in (300, 2000):
            x = np.random.default_rng(0).standard_normal((n, 64)).astype(np.float32)
            found[f"limit {activation} {n}"] = lambda x=x, a=activation: np.asarray(
                limit_tangent_kernel(x, depth=3, activation=a, weight_std=2**0.5, bias_std=0.1)
            )
    model = Dense(64, 1, 1024, 2, "relu")
    params = model.init(jax.random.key(0), named_scheme("ntk", depth=2, input_dim=64))
    kernel, x = LayerwiseKernel(model), np.ones((256, 64), np.float32)
    found["layerwise"] = lambda: np.asarray(kernel.by_group(params, x))
    return found


def serve() -> None:
    """Answer every name on standard input with the wall and processor time of one such call."""
    warnings.simplefilter("ignore")
    known = calls()
    print(json.dumps(list(known)), flush=True)
    for line in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        known[line.strip()]()
        print(json.dumps([time.perf_counter() - wall, time.process_time() - processor]), flush=True)


class _Version:
    """One checkout in its own process."""

    def __init__(self, checkout: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{HERE}"}
        command = [sys.executable, "-c", "from benchmarks.two_versions import serve; serve()"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd="/",
        )
        self.names = json.loads(self._answer())

    def timed(self, name: str) -> list[float]:
        """Seconds of one call, and of processor time."""
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return json.loads(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Ratios of times, new over old, of every kind of kernel."""
    other = os.environ.get("LAZYSCOPE_OTHER")
    if not other:
        return {
            "rows": [],
            "notes": ["LAZYSCOPE_OTHER names no other checkout; nothing was compared."],
        }
    versions = {"old": _Version(Path(other)), "new": _Version(HERE)}
    rows = []
    for name in versions["new"].names:
        times: dict[str, list[list[float]]] = {key: [] for key in versions}
        for number in range(rounds + 1):
            for key, version in versions.items():
                sample = version.timed(name)
                if number:  # the first one compiles
                    times[key].append(sample)
        row: dict[str, Any] = {"kernel": name}
        for k, kind in enumerate(("wall", "processor")):
            old, new = ([sample[k] for sample in times[key]] for key in ("old", "new"))
            row[f"{kind}_medians"] = round(statistics.median(new) / statistics.median(old), 3)
            row[f"{kind}_minima"] = round(min(new) / min(old), 3)
        row["milliseconds"] = round(1e3 * min(s[0] for s in times["new"]), 3)
        rows.append(row)
    for version in versions.values():
        version.close()
    return {"rows": rows, "rounds": rounds}
