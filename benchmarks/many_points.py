"""How long does regression by a limit kernel take with more points than a kernel in memory?

    python -m benchmarks many_points                        n = 5000, 10 000 and 20 000, and the peer
    python -m benchmarks.many_points N KIND                 one case, kept in results/many_points_rows.json

KIND is memory, recomputed, disk or workers (one Dask worker beside two).

Images are drawn: Gaussian fields of a power spectrum like that of handwritten digits, inside a window and
rectified. The share of the variance in their first 1, 5, 10, 20, 50, 100 principal components is 8, 33, 48,
64, 83 and 92 % (handwritten digits: about 10, 33, 49, 64, 83, 92). Kernel: tangent kernel of three hidden
ReLU layers, inputs and tiles in single precision, ridge 1e-3 of the mean diagonal, relative residual 1e-4.

A long case is a process of its own and goes on after it was killed: it leaves a checkpoint and, where it has
any, tiles on disk below the folder named by LAZYSCOPE_MANY_POINTS (build/many_points unless set), and the
seconds of earlier processes are added up.
"""

import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import machine

SIDE = 28
NETWORK = {"depth": 3, "activation": "relu", "weight_std": 2**0.5}
RIDGE, TOLERANCE, NUM_TEST = 1e-3, 1e-4, 1000
ROWS = Path(__file__).parent / "results" / "many_points_rows.json"
ASKED = {
    (20_000, "memory"): {"seconds": 60.0, "memory_GB": 3.0},
    (60_000, "recomputed"): {"seconds": 1800.0, "memory_GB": 3.0},
    (60_000, "disk"): {"seconds": 720.0, "memory_GB": 3.0},
}
SIZES = (5_000, 10_000, 20_000)
PEER_SIZES = (2_000, 4_000)
KINDS = ("memory", "recomputed", "disk", "workers")


def images(num_points: int, seed: int = 0) -> np.ndarray:
    """Points (n, 784) of norm 28, the same first ones for every n."""
    frequencies = np.fft.fftfreq(SIDE) * SIDE
    squares = frequencies[:, None] ** 2 + frequencies[None, :] ** 2
    amplitude = (1.0 + squares / 4.0) ** -1.1
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    window = np.exp(-(((x**2 + y**2) / (0.33 * SIDE) ** 2) ** 2))
    out = np.empty((num_points, SIDE * SIDE), np.float32)
    for start in range(0, num_points, 1000):
        noise = np.random.default_rng([seed, start]).standard_normal((1000, SIDE, SIDE))
        field = np.fft.ifft2(np.fft.fft2(noise) * amplitude).real
        field /= np.sqrt(np.mean(amplitude**2))
        drawn = (np.clip(field - 0.3, 0.0, 1.5) * window).reshape(1000, -1)
        drawn *= SIDE / np.linalg.norm(drawn, axis=1, keepdims=True)
        out[start : start + 1000] = drawn[: num_points - start]
    return out


def targets(x: np.ndarray) -> np.ndarray:
    """Which side of a hyperplane, bent by a second one: labels of 1 and -1."""
    a, b = np.random.default_rng(7).standard_normal((2, x.shape[1]))
    scores = x @ a + 0.02 * (x @ b) * np.abs(x @ b)
    return np.sign(scores - np.median(scores[:1000]))


def place(num_points: int, kind: str) -> Path:
    """The folder of one case."""
    base = Path(os.environ.get("LAZYSCOPE_MANY_POINTS", "build/many_points"))
    return base / f"{num_points}-{kind}"


def solve(num_points: int, kind: str) -> dict[str, Any]:
    """One case in this process, from where an earlier process of it was killed."""
    from lazyscope.operator import limit_kernel_operator, solve_kernel_regression

    folder = place(num_points, kind)
    folder.mkdir(parents=True, exist_ok=True)
    spent = folder / "seconds.json"
    before = json.loads(spent.read_text()) if spent.exists() else {"wall": 0.0, "processor": 0.0}
    began, processor, products = time.perf_counter(), time.process_time(), []
    x = images(num_points + NUM_TEST)
    y = targets(x)
    memory = {"memory": 1.3e9, "workers": 0.8e9, "recomputed": 0.1e9, "disk": 0.3e9}[kind]
    settings: dict[str, Any] = {"memory": memory, **NETWORK}
    if kind == "disk":
        settings |= {"folder": folder / "tiles", "disk": 9e9}
    if kind == "workers":
        settings |= {"scheduler": os.environ["LAZYSCOPE_SCHEDULER"]}
    operator = limit_kernel_operator(x[:num_points], **settings)

    def tell(progress: Any) -> None:
        products.append(time.perf_counter())
        now = {
            "wall": before["wall"] + time.perf_counter() - began,
            "processor": before["processor"] + time.process_time() - processor,
        }
        spent.write_text(json.dumps(now))
        said = f"{progress.stage} {progress.done}  {progress.residual:.2e}"
        print(f"{now['wall']:8.1f} s  {said}", file=sys.stderr)

    found = solve_kernel_regression(
        operator,
        y[:num_points],
        ridge=RIDGE * operator.mean_diagonal,
        tolerance=TOLERANCE,
        checkpoint=folder / "solution.npz",
        progress=tell,
    )
    wall = before["wall"] + time.perf_counter() - began
    used = before["processor"] + time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    right = np.mean(np.sign(found.predict(x[num_points:])) == y[num_points:])
    steps = np.diff(products[-found.iterations :])
    for file in folder.glob("*.*"):
        file.unlink()
    return {
        "n": num_points,
        "tiles": kind,
        "kept_stored_computed": "/".join(map(str, operator.kept)),
        "seconds": wall,
        "processor_seconds": used,
        "memory_GB": peak,
        "iterations": found.iterations,
        "residual": found.residual,
        "seconds_per_product": float(np.median(steps)) if steps.size else None,
        "rank": found.rank,
        "rounding_over_ridge": found.rounding / found.ridge,
        "right_on_test_points": float(right),
        "load": os.getloadavg()[0],
        **{f"asked_{key}": value for key, value in ASKED.get((num_points, kind), {}).items()},
    }


def apart(num_points: int, kind: str) -> dict[str, Any]:
    """One case in a process of its own, so that its memory is its own; on two workers and one in turn."""
    environment = dict(os.environ)
    if kind != "workers":
        return _run_apart(num_points, kind, environment)
    from distributed import LocalCluster

    rows = {}
    for count in (1, 2):
        with LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            memory_limit=None,
        ) as cluster:
            environment["LAZYSCOPE_SCHEDULER"] = cluster.scheduler_address
            rows[count] = _run_apart(num_points, kind, environment)
    ratio = rows[1]["seconds_per_product"] / rows[2]["seconds_per_product"]
    whole = rows[1]["seconds"] / rows[2]["seconds"]
    return {**rows[2], "one_worker_over_two": whole, "of_products": ratio, "asked_ratio": 1.7}


def _run_apart(num_points: int, kind: str, environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.many_points", str(num_points), kind, "--here"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def peer(num_points: int) -> dict[str, Any]:
    """The exact Gaussian process of scikit-learn with the same kernel and ridge, which has it whole."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Kernel

    from lazyscope.kernel import limit_tangent_kernel

    class Tangent(Kernel):
        def __init__(self) -> None:
            """Without parameters, which scikit-learn reads off here."""

        def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> np.ndarray:
            return limit_tangent_kernel(X, Y, **NETWORK)

        def diag(self, X: Any) -> np.ndarray:
            return np.full(len(X), diagonal)  # of points of one norm

        def is_stationary(self) -> bool:
            return False

    x = images(num_points + NUM_TEST).astype(np.float64)
    y = targets(x)
    began, processor = time.perf_counter(), time.process_time()
    diagonal = float(np.mean(np.diag(limit_tangent_kernel(x[:100], **NETWORK))))
    process = GaussianProcessRegressor(Tangent(), alpha=RIDGE * diagonal, optimizer=None)
    process.fit(x[:num_points], y[:num_points])
    seconds, used = time.perf_counter() - began, time.process_time() - processor
    right = np.mean(np.sign(process.predict(x[num_points:])) == y[num_points:])
    return {
        "n": num_points,
        "tiles": "scikit-learn, whole, double precision",
        "seconds": seconds,
        "processor_seconds": used,
        "right_on_test_points": float(right),
    }


def kept_rows() -> dict[str, Any]:
    """Rows of cases that were run one by one."""
    rows = json.loads(ROWS.read_text())["rows"] if ROWS.exists() else []
    return {f"{row['n']} {row['tiles']}": row for row in rows}


def keep(row: dict[str, Any]) -> None:
    """Store the row of one case beside those of the others."""
    found = kept_rows() | {f"{row['n']} {row['tiles']}": row}
    date = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"benchmark": "many_points", "date": date, "machine": machine()}
    ROWS.write_text(json.dumps({**told, "rows": [*found.values()]}, indent=1) + "\n")


def growth(rows: list[dict[str, Any]], quantity: str) -> float:
    """Slope of log quantity over log n."""
    n, values = (np.log([row[key] for row in rows]) for key in ("n", quantity))
    return float(np.polyfit(n, values, 1)[0])


def pivots() -> list[dict[str, Any]]:
    """Iterations and seconds with columns drawn and with the largest remainders, at n = 5000."""
    from lazyscope.operator import (
        PreconditionerSettings,
        limit_kernel_operator,
        solve_kernel_regression,
    )

    x = images(5000)
    operator = limit_kernel_operator(x, memory=1e9, **NETWORK)
    operator.product(np.ones((5000, 1)))
    rows = []
    for rank in (125, 250, 500):
        for way in ("random", "greedy"):
            began, processor = time.perf_counter(), time.process_time()
            found = solve_kernel_regression(
                operator,
                targets(x),
                ridge=RIDGE * operator.mean_diagonal,
                tolerance=TOLERANCE,
                preconditioner=PreconditionerSettings(rank, way),
            )
            rows.append(
                {
                    "pivots": way,
                    "rank": rank,
                    "iterations": found.iterations,
                    "seconds": time.perf_counter() - began,
                    "processor_seconds": time.process_time() - processor,
                }
            )
    return rows


def run() -> dict[str, Any]:
    rows = [apart(n, "memory") for n in SIZES]
    for row in rows:
        keep(row)
    peers = [peer(n) for n in PEER_SIZES]
    slopes = {
        q: growth(rows, q) for q in ("seconds_per_product", "iterations", "processor_seconds")
    }
    return {
        "rows": [*rows, *peers],
        "growth": slopes,
        "pivots": pivots(),
        "cases_apart": kept_rows(),
        "notes": [
            "Growth over n: "
            + ", ".join(
                f"{name.replace('_', ' ')} n^{slope:.2f}" for name, slope in slopes.items()
            ),
            "Neither EigenPro nor Falkon is in the package index that installs here by name.",
        ],
    }


if __name__ == "__main__":
    size, kind = int(sys.argv[1]), (sys.argv[2:] or ["memory"])[0]
    assert kind in KINDS, KINDS
    if "--here" in sys.argv:
        print(json.dumps(solve(size, kind)))
    else:
        row = apart(size, kind)
        keep(row)
        print(json.dumps(row, indent=1))
