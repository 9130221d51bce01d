"""How fast is the tangent kernel of any function, against what a user would otherwise run?

    python -m benchmarks generic_kernel

Four networks, single precision. Each round times every contender once, in turn, so that whatever else
the machine does hits all of them; reported are minima over the rounds, compilation apart. Contenders:

    lazyscope        tangent_kernel inside jit
    call             the same outside jit, where the network is traced and checked on every call
    a tenth          the same, allowed a tenth of the bytes of the dense Jacobian (where that is less
                     than it would take)
    by hand          Gram matrices layer by layer, written for this very network (dense networks only)
    neural-tangents  0.6.5, structured derivatives, jitted, in its own environment and process
    jacrev           jax.jacrev and a contraction, jitted; the Jacobian is held whole
    torch.func       vmap(jacrev) and einsum, the recipe of PyTorch's tutorial, in its own process
    layerwise        LayerwiseKernel of this library, jitted (dense networks only)

Processor times are given as well: on a busy machine they are the steadier of the two.
"""

import functools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.generic_kernel_cases import CASES
from benchmarks.peer_environment import peer_python
from lazyscope.kernel import LayerwiseKernel, explain_tangent_kernel, tangent_kernel
from lazyscope.model import Dense, Layer

SLOW_ROUNDS = 2
"""Rounds of those contenders that hold a Jacobian."""


def run(rounds: int = 9) -> dict:
    """Seconds, ratios, memory and agreement of every case."""
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as other,
        _Peer(peer_python(), "generic_kernel_peer.py", Path(folder)) as peer,
        _Peer(Path(sys.executable), "generic_kernel_torch.py", Path(other)) as torch,
    ):
        cases = [_case(name, peer, torch, rounds) for name in CASES]
    return {
        "rows": [row for rows, _ in cases for row in rows],
        "cases": [case for _, case in cases],
    }


class _Peer:
    """Another library in its own process: one line asks for one run."""

    def __init__(self, python: Path, script: str, folder: Path) -> None:
        self.folder = folder
        self.command = [str(python), str(Path(__file__).with_name(script)), str(folder)]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()

    def ask(self, name: str) -> dict:
        """Run the kernel of a case once."""
        self.process.stdin.write(name + "\n")
        return json.loads(self.process.stdout.readline())

    def timed(self, name: str) -> tuple[float, float]:
        """Seconds and processor seconds of one run."""
        answer = self.ask(name)
        return answer["seconds"], answer["processor"]

    def kernel(self, name: str) -> np.ndarray:
        """The kernel of the last run."""
        return np.load(self.folder / f"{name}.npy")


def _case(name: str, peer: _Peer, torch: _Peer, rounds: int) -> tuple[list[dict], dict]:
    apply, params, x = CASES[name]()
    params, x = jax.device_put((params, x))
    ours = jax.jit(functools.partial(tangent_kernel, apply))
    clock = time.perf_counter()
    compiled = ours.lower(params, x).compile()
    facts = {"case": name, "compile_s": time.perf_counter() - clock}
    kernel = np.asarray(ours(params, x))
    num_params = sum(leaf.size for leaf in jax.tree.leaves(params))
    facts["jacobian_mb"] = len(x) * kernel.shape[-1] * num_params * 4 / 1e6
    facts["intermediates_mb"] = compiled.memory_analysis().temp_size_in_bytes / 1e6
    contenders = {
        "lazyscope": lambda: ours(params, x),
        "call": lambda: tangent_kernel(apply, params, x),
    }
    tenth = facts["jacobian_mb"] * 1e5
    plan = explain_tangent_kernel(apply, params, x, memory=tenth)
    if plan.rows > 1 and plan.rows < len(x):
        facts["a_tenth_mb"], facts["a_tenth_rows"] = plan.bytes_needed / 1e6, plan.rows
        contenders["a tenth"] = lambda: tangent_kernel(apply, params, x, memory=tenth)
    if isinstance(params, list):
        by_hand = jax.jit(_by_hand)
        contenders["by hand"] = lambda: by_hand(params, x)
        layers, layerwise = _layerwise(params)
        contenders["layerwise"] = lambda: layerwise(layers, x)
    jacrev = jax.jit(functools.partial(_jacrev, apply))
    facts["peer_compile_s"] = peer.ask(name)["first"]
    answers = {key: contender() for key, contender in contenders.items()}
    torch.ask(name)
    answers |= {"neural-tangents": peer.kernel(name), "jacrev": jacrev(params, x)}
    answers["torch.func"] = torch.kernel(name)
    fast = {key: functools.partial(_timed, one) for key, one in contenders.items()}
    fast["neural-tangents"] = lambda: peer.timed(name)
    slow = {
        "jacrev": lambda: _timed(lambda: jacrev(params, x)),
        "torch.func": lambda: torch.timed(name),
    }
    times = _in_turn(fast, slow, rounds)
    rows = []
    for key, (seconds, processor) in times.items():
        gap = np.abs(np.asarray(answers[key]) - kernel).max() / np.abs(kernel).max()
        row = {"case": name, "contender": key, "seconds": seconds, "processor": processor}
        row["ratio"] = seconds / times["lazyscope"][0]
        row["processor_ratio"] = processor / times["lazyscope"][1]
        rows.append(_rounded(row | {"relative_difference": float(gap)}))
    return rows, _rounded(facts)


def _in_turn(fast, slow, rounds: int) -> dict[str, tuple[float, float]]:
    """Least seconds and least processor seconds of every contender, taking turns."""
    times: dict[str, list] = {key: [] for key in (*fast, *slow)}
    for number in range(rounds):
        for key, contender in (fast | slow if number < SLOW_ROUNDS else fast).items():
            times[key].append(contender())
    return {key: tuple(map(min, zip(*runs, strict=True))) for key, runs in times.items()}


def _layerwise(params):
    """The same dense network as one of this library, and its kernel."""
    sizes = [w.shape[0] for w in params] + [params[-1].shape[1]]
    model = Dense(sizes[0], sizes[-1], sizes[1], len(params) - 1, "relu")
    layers = tuple(Layer(w.T, None) for w in params)
    speeds = jnp.ones(len(params), jnp.float32)
    kernel = LayerwiseKernel(model)
    return layers, jax.jit(lambda layers, x: kernel.summed(layers, x, speeds=speeds))


def _rounded(row: dict) -> dict:
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in row.items()}


def _timed(contender) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    jax.block_until_ready(contender())
    return time.perf_counter() - clock, time.process_time() - processor


def _by_hand(params, x):
    """Forward, C backward passes, and two Gram matrices per layer."""
    inputs, slopes = [x], []
    for w in params[:-1]:
        pre = inputs[-1] @ w
        slopes.append((pre > 0).astype(x.dtype))
        inputs.append(pre * slopes[-1])
    n, outputs = len(x), params[-1].shape[1]
    kernel = jnp.einsum("ij,ck->icjk", inputs[-1] @ inputs[-1].T, jnp.eye(outputs, dtype=x.dtype))
    signal = params[-1].T[None] * slopes[-1][:, None]
    for layer in range(len(params) - 2, -1, -1):
        flat = signal.reshape(n * outputs, -1)
        gram = (flat @ flat.T).reshape(n, outputs, n, outputs)
        kernel = kernel + (inputs[layer] @ inputs[layer].T)[:, None, :, None] * gram
        if layer:
            signal = (signal @ params[layer].T) * slopes[layer - 1][:, None]
    return kernel.transpose(0, 2, 1, 3)


def _jacrev(apply, params, x):
    total = 0.0
    for leaf in jax.tree.leaves(jax.jacrev(apply)(params, x)):
        flat = leaf.reshape(len(x), leaf.shape[1], -1)
        total = total + jnp.einsum("icp,jdp->ijcd", flat, flat)
    return total


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
