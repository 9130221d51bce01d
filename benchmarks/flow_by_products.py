"""How does a network train by exponential steps where its kernel is too large to decompose, and after a kill?

    python -m benchmarks flow_by_products

Ten outputs over n points: the kernel has 10 n rows. A small case is trained with the whole kernel and by
products, in turns. The large one has a kernel that does not fit into memory with its eigenvectors; its
process is killed (signal 9) after half of its steps, and a second one goes on. Drawn images, 784 inputs.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.many_points import images
from lazyscope._checks import InputError
from lazyscope._file import _checkpoint
from lazyscope.flow import ExponentialFlow, Problem, dense_problem, solve_flow
from lazyscope.model import Dense

OUTPUTS, WIDTH, STOP, PRODUCTS = 10, 64, 0.2, 20
SMALL, LARGE, KILLED_AFTER = 100, 6000, 6


def problem(num_points: int) -> Problem:
    """A ReLU network of one hidden layer, and labels by the nearest of ten other images."""
    x = images(num_points).astype(np.float64) / 28
    classes = np.argmax(x @ images(OUTPUTS, seed=1).T, axis=1)
    y = np.eye(OUTPUTS)[classes] - 1 / OUTPUTS
    model = Dense(x.shape[1], OUTPUTS, WIDTH, 1, "relu")
    with jax.enable_x64(True):
        params = model.init_from_std(jax.random.key(0), np.array([2**0.5, WIDTH**-0.5]))
        return dense_problem(model, params, x, y)


def small() -> dict[str, Any]:
    """The whole kernel and products with it at a size at which both go."""
    given, row = problem(SMALL), {"n": SMALL, "modes": SMALL * OUTPUTS}
    ends = {}
    for frozen in ("full", "products"):
        method = ExponentialFlow(frozen=frozen, products=PRODUCTS)
        solve_flow(given, method, stop=STOP, max_steps=1)
        clock, processor = time.perf_counter(), time.process_time()
        found = solve_flow(given, method, stop=STOP)
        row |= {
            f"{frozen} seconds": time.perf_counter() - clock,
            f"{frozen} processor_seconds": time.process_time() - processor,
            f"{frozen} steps": int(found.num_steps),
        }
        ends[frozen] = np.concatenate([np.ravel(d) for d in jax.tree.leaves(found.displacement)])
    apart = np.linalg.norm(ends["products"] - ends["full"]) / np.linalg.norm(ends["full"])
    return row | {"displacements_apart": float(apart)}


def refused() -> str:
    """What is said of the whole kernel at the large size."""
    try:
        solve_flow(problem(LARGE), ExponentialFlow(frozen="full"), stop=STOP)
    except InputError as error:
        return str(error)
    return "not refused: there is more memory here"


def part(checkpoint: str, last: int | None) -> dict[str, Any]:
    """The large case in this process, which kills itself after `last` steps."""
    _checkpoint.SECONDS_BETWEEN = 0.0
    given = problem(LARGE)
    told: list[Any] = []
    began, processor = time.perf_counter(), time.process_time()

    def tell(progress: Any) -> None:
        told.append(progress)
        print(f"{progress.seconds:8.1f} s  {progress}", file=sys.stderr)
        if progress.num_tried == last:
            spent = time.perf_counter() - began, time.process_time() - processor
            print(json.dumps({"seconds": spent[0], "processor_seconds": spent[1]}), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    method = ExponentialFlow(frozen="products", products=PRODUCTS)
    found = solve_flow(given, method, stop=STOP, checkpoint=checkpoint, progress=tell)
    return {
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - processor,
        "first_step_told": told[0].num_tried,
        "steps": int(found.num_steps),
        "tried": int(found.num_tried),
        "outcome": found.outcome.label,
        "loss_over_first": float(found.loss / found.initial_loss),
        "memory_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }


def _apart(checkpoint: Path, last: int | None) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.flow_by_products", str(checkpoint), str(last or 0)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        status, first = _apart(path, KILLED_AFTER)
        kept = path.stat().st_size
        _, second = _apart(path, None)
    large = {
        "n": LARGE,
        "modes": LARGE * OUTPUTS,
        "killed_with": status,
        "killed_after": KILLED_AFTER,
        "kernel_GB": 8 * (LARGE * OUTPUTS) ** 2 / 1e9,
        "checkpoint_MB": kept / 1e6,
        **{f"products {key}": first[key] + second[key] for key in first},
        **{key: value for key, value in second.items() if key not in first},
        "load": os.getloadavg()[0],
    }
    return {"rows": [small(), large], "notes": [refused()], "width": WIDTH, "stop": STOP}


if __name__ == "__main__":
    print(json.dumps(part(sys.argv[1], int(sys.argv[2]) or None)))
