"""Are kernels of composed networks those of neural-tangents 0.6.5, and how long do both take?

    python -m benchmarks composed_limit

Values: covariance and tangent kernel of every block and of random compositions from one seed, in double
precision, for one set of points and for two; the largest error relative to the entry. Times: shortest of
several calls of each side in turns, the first (which compiles) left out, of the tangent kernel of one set.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.composed_limit_cases import BLOCKS, built, random_case, timed
from benchmarks.peer_environment import peer_python
from lazyscope import composed
from lazyscope._checks import InputError

RANDOM, SEED, ROUNDS = 50, 0, 7
POINTS = (4, 3)


def run(num_random: int = RANDOM, rounds: int = ROUNDS) -> dict[str, Any]:
    """Errors of all compositions, and seconds with their ratios."""
    rng = np.random.default_rng(SEED)
    drawn = {f"random {number}": random_case(rng) for number in range(num_random)}
    cases = BLOCKS | drawn
    with tempfile.TemporaryDirectory() as folder, Peer(Path(folder)) as peer:
        errors = [_errors(name, *case, peer, rng) for name, case in cases.items()]
        rows = [_times(name, *case, peer, rounds) for name, case in timed().items()]
    known = [row["error"] for row in errors if row["error"] is not None]
    return {
        "rows": rows,
        "errors": errors,
        "largest_error": max(known),
        "compared": len(known),
        "not_compared": [row for row in errors if row["error"] is None],
        "seed": SEED,
    }


class Peer:
    """neural-tangents in its own process: one line asks for one case."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> "Peer":
        script = Path(__file__).with_name("composed_limit_peer.py")
        command = [str(peer_python()), str(script), str(self.folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()

    def ask(self, spec: Any, points: list, dtypes: list[str], times: int) -> dict[str, Any]:
        """Seconds by precision, or the error that it raised; kernels lie in the folder."""
        names = [None if x is None else f"x{number}.npy" for number, x in enumerate(points)]
        for name, x in zip(names, points, strict=True):
            if name is not None:
                np.save(self.folder / name, x)
        case = {"spec": spec, "x1": names[0], "x2": names[1], "dtypes": dtypes, "times": times}
        self.process.stdin.write(json.dumps(case) + "\n")
        return json.loads(self.process.stdout.readline())


def _errors(name: str, shape: tuple, spec: Any, peer: Peer, rng: np.random.Generator) -> dict:
    x, y = (rng.standard_normal((n, *shape)) for n in POINTS)
    row = {"case": name, "input_shape": list(shape), "spec": spec, "error": None, "reason": ""}
    found = []
    for other in (None, y):
        answer = peer.ask(spec, [x, other], ["float64"], 0)
        try:
            network = composed.ComposedNetwork(built(spec), shape, 4)
            ours = [
                kernel(network, x, other, training=True)
                for kernel in (composed.network_covariance_kernel, composed.network_tangent_kernel)
            ]
        except InputError as error:
            return row | {"reason": f"ours: {str(error)[:200]}"}
        if "error" in answer:
            return row | {"reason": f"theirs: {answer['error'][:200]}"}
        theirs = np.load(peer.folder / "kernels.npy")
        found += [
            float(np.max(np.abs(a - b) / np.abs(b))) for a, b in zip(ours, theirs, strict=True)
        ]
    return row | {"error": max(found)}


def _times(name: str, points: int, shape: tuple, spec: Any, asked: float, peer: Peer, rounds: int):
    x = np.random.default_rng(1).standard_normal((points, *shape))
    network = composed.ComposedNetwork(built(spec), shape, 4)
    seconds: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for dtype in ("float32", "float64"):
        given = x.astype(dtype)
        composed.network_tangent_kernel(network, given)
        theirs[dtype] = peer.ask(spec, [x, None], [dtype], rounds)[dtype]
        samples = []
        for _ in range(rounds):
            clock = time.perf_counter()
            composed.network_tangent_kernel(network, given)
            samples.append(time.perf_counter() - clock)
        seconds[dtype] = min(samples)
    best = min(theirs.values())
    return {
        "case": name,
        "points": points,
        **{f"lazyscope {d}": seconds[d] for d in seconds},
        **{f"neural-tangents {d}": theirs[d] for d in theirs},
        **{f"ratio {d}": theirs[d] / seconds[d] for d in seconds},
        "faster of theirs over ours": {d: best / seconds[d] for d in seconds},
        "asked": asked,
    }
