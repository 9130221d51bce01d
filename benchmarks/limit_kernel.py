"""How fast are infinite-width tangent kernels, beside neural-tangents 0.6.5 in its own environment?

    python -m benchmarks limit_kernel

Three hidden layers, single precision, biases, n = 4000 points in 64 dimensions. Both sides take turns,
compiled beforehand; ratios are of the shortest samples and of the medians. neural-tangents runs as
one jitted program and in batches of 500 (its own tool for bounded memory), whichever is faster counts.
The floor is what no kernel can avoid: one matrix product and one write of the result; entry by entry
a layer adds about 30 operations, which at n = 4000 is some 1.4e9 for three layers, halved by symmetry.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peer_environment import peer_python
from lazyscope.kernel import limit_tangent_kernel

POINTS, FEATURES, DEPTH, ROUNDS = 4000, 64, 3, 9
STDS = {"weight_std": 2**0.5, "bias_std": 0.1, "readout_weight_std": 1.0, "readout_bias_std": 0.0}
CASES = {
    "relu": ("relu", True),
    "relu, x1 and x2": ("relu", False),
    "erf": ("erf", True),
    "gelu": ("gelu", True),
}


def inputs(points: int, seed: int) -> np.ndarray:
    """Random inputs that both processes draw alike."""
    return np.random.default_rng(seed).standard_normal((points, FEATURES)).astype(np.float32)


def run(points: int = POINTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds of both sides, their ratio and their errors beside double precision."""
    with tempfile.TemporaryDirectory() as folder, _Peer(Path(folder), points) as peer:
        rows = [_case(name, peer, Path(folder), points, rounds) for name in CASES]
    return {
        "rows": rows,
        "floor_seconds": _floor(points),
        "points": points,
        "depth": DEPTH,
        "rounds": rounds,
    }


def _case(name: str, peer: "_Peer", folder: Path, points: int, rounds: int) -> dict[str, Any]:
    activation, symmetric = CASES[name]
    x1 = inputs(points, 0)
    x2 = None if symmetric else inputs(points, 1)

    def ours() -> np.ndarray:
        return limit_tangent_kernel(x1, x2, depth=DEPTH, activation=activation, **STDS)

    first = _timed(ours)[0]
    answer = peer.ask(activation, symmetric)
    theirs_first = answer["first"]
    kernel = ours()
    theirs = np.load(folder / "kernel.npy")
    # against double precision on some of the points, diagonal included where x2 is None
    some = x1[:500].astype(np.float64), None if symmetric else x2[:500].astype(np.float64)
    exact = limit_tangent_kernel(*some, depth=DEPTH, activation=activation, **STDS)
    errors = [np.abs(k[:500, :500] - exact).max() / exact.max() for k in (kernel, theirs)]
    samples: dict[str, list[float]] = {key: [] for key in ("ours", "cpu", "theirs", "their_cpu")}
    for _ in range(rounds):
        seconds, processor = _timed(ours)
        samples["ours"].append(seconds)
        samples["cpu"].append(processor)
        answer = peer.ask(activation, symmetric)
        samples["theirs"].append(answer["seconds"])
        samples["their_cpu"].append(answer["processor"])
    best = {key: min(values) for key, values in samples.items()}
    medians = {key: float(np.median(values)) for key, values in samples.items()}
    return {
        "case": name,
        "lazyscope_seconds": best["ours"],
        "neural_tangents_seconds": best["theirs"],
        "ratio_of_minima": best["theirs"] / best["ours"],
        "ratio_of_medians": medians["theirs"] / medians["ours"],
        "ratio_of_processor_times": best["their_cpu"] / best["cpu"],
        "first_call_seconds": [first, theirs_first],
        "peer_program": answer["program"],
        "lazyscope_error": float(errors[0]),
        "neural_tangents_error": float(errors[1]),
    }


def _timed(call) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - processor


def _floor(points: int) -> float:
    """Seconds of one matrix product whose result is written to host memory."""
    x = jnp.asarray(inputs(points, 0))
    product = jax.jit(lambda x: x @ x.T)
    return min(_timed(lambda: np.array(product(x)))[0] for _ in range(5))


class _Peer:
    """neural-tangents in its own process: one line asks for one run."""

    def __init__(self, folder: Path, points: int) -> None:
        python = peer_python()
        wanted = subprocess.run(
            [python, "-c", "import frozendict"], capture_output=True, check=False
        )
        if wanted.returncode:
            subprocess.run([python, "-m", "pip", "install", "--quiet", "frozendict"], check=True)
        script = Path(__file__).with_name("limit_kernel_peer.py")
        self.command = [str(python), str(script), str(folder), str(points), str(DEPTH)]

    def __enter__(self) -> "_Peer":
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()

    def ask(self, activation: str, symmetric: bool) -> dict:
        """Run the kernel of a case once."""
        self.process.stdin.write(json.dumps([activation, symmetric, STDS]) + "\n")
        return json.loads(self.process.stdout.readline())


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
