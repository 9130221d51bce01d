"""How fast is the tangent kernel of any function, against what a user would otherwise run?

    python benchmarks/generic_kernel.py [rounds]

Four networks, single precision. Each round times every contender once, in turn, so that whatever else
the machine does hits all of them; reported are minima over the rounds, compilation apart. Contenders:

    lazyscope        tangent_kernel inside jit; "call" is the same outside jit (traced on every call)
    by hand          Gram matrices layer by layer, written for this very network (dense networks only)
    neural-tangents  0.6.5, structured derivatives, jitted, in its own environment and process
    jacrev           jax.jacrev and a contraction, jitted; the Jacobian is held whole

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

from generic_kernel_cases import CASES
from lazyscope.kernel import tangent_kernel
from peer_environment import peer_python

JACREV_ROUNDS = 2


def run(rounds: int = 9) -> dict:
    """Seconds, ratios and memory of every case."""
    with tempfile.TemporaryDirectory() as folder, _Peer(Path(folder)) as peer:
        return {name: _case(name, peer, Path(folder), rounds) for name in CASES}


class _Peer:
    """neural-tangents in its own process: one line asks for one run."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("generic_kernel_peer.py")
        self.command = [str(peer_python()), str(script), str(folder)]

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


def _case(name: str, peer: _Peer, folder: Path, rounds: int) -> dict:
    apply, params, x = CASES[name]()
    params, x = jax.device_put((params, x))
    ours = jax.jit(functools.partial(tangent_kernel, apply))
    clock = time.perf_counter()
    compiled = ours.lower(params, x).compile()
    compile_s = time.perf_counter() - clock
    contenders = {
        "lazyscope": lambda: ours(params, x),
        "call": lambda: tangent_kernel(apply, params, x),
    }
    if isinstance(params, list):
        by_hand = jax.jit(_by_hand)
        contenders["by hand"] = lambda: by_hand(params, x)
    jacrev = jax.jit(functools.partial(_jacrev, apply))
    kernel = np.asarray(ours(params, x))
    errors = {"neural-tangents": peer.ask(name) and np.load(folder / f"{name}.npy") - kernel}
    errors["jacrev"] = np.asarray(jacrev(params, x)) - kernel
    times = {key: [] for key in (*contenders, "neural-tangents", "jacrev")}
    for number in range(rounds):
        for key, contender in contenders.items():
            times[key].append(_timed(contender))
        answer = peer.ask(name)
        times["neural-tangents"].append((answer["seconds"], answer["processor"]))
        if number < JACREV_ROUNDS:
            times["jacrev"].append(_timed(lambda: jacrev(params, x)))
    best = {key: [min(column) for column in zip(*times[key], strict=True)] for key in times}
    num_params = sum(leaf.size for leaf in jax.tree.leaves(params))
    return {
        "seconds": {key: round(value[0], 5) for key, value in best.items()},
        "processor": {key: round(value[1], 5) for key, value in best.items()},
        "slower_than_lazyscope": {
            key: round(value[0] / best["lazyscope"][0], 2) for key, value in best.items()
        },
        "compile_seconds": {
            "lazyscope": round(compile_s, 2),
            "neural-tangents": round(answer["first"], 2),
        },
        "megabytes": {
            "intermediates": round(compiled.memory_analysis().temp_size_in_bytes / 1e6, 1),
            "dense_jacobian": round(len(x) * kernel.shape[-1] * num_params * 4 / 1e6, 1),
        },
        "relative_difference": {
            key: float(np.abs(gap).max() / np.abs(kernel).max()) for key, gap in errors.items()
        },
    }


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


def _table(result: dict) -> None:
    for name, case in result.items():
        print(f"\n{name}: {CASES[name].__doc__}")
        for key, seconds in case["seconds"].items():
            ratio, processor = case["slower_than_lazyscope"][key], case["processor"][key]
            print(
                f"  {key:<16} {seconds * 1e3:9.1f} ms  x{ratio:<7} processor {processor * 1e3:.1f}"
            )
        print(f"  compilation {case['compile_seconds']} s, {case['megabytes']} MB")
        print(f"  relative difference {case['relative_difference']}")


if __name__ == "__main__":
    outcome = run(*map(int, sys.argv[1:]))
    _table(outcome)
    print(json.dumps(outcome))
