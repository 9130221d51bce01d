"""How long does neural-tangents take for an infinite-width kernel? Runs in its own environment.

It reads a case for each line, runs its kernel once (the first time it compiles both of its programs and
keeps the faster), and writes one JSON object with seconds, processor seconds and the program's name.
"""

import json
import sys
import time
import types
from pathlib import Path

# Its experimental part needs TensorFlow and is not used here.
sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")

import jax  # noqa: E402
import neural_tangents as nt  # noqa: E402
import numpy as np  # noqa: E402
from neural_tangents import stax  # noqa: E402

FEATURES, BATCH = 64, 500
LAYERS = {"relu": stax.Relu, "erf": stax.Erf, "gelu": stax.Gelu}


def main(folder: Path, points: int, depth: int) -> None:
    ready = {}
    for line in sys.stdin:
        if line not in ready:
            ready[line] = _ready(*json.loads(line), folder, points, depth)
        name, run, first = ready[line]
        clock, processor = time.perf_counter(), time.process_time()
        run()
        answer = {
            "seconds": time.perf_counter() - clock,
            "processor": time.process_time() - processor,
            "first": first,
            "program": name,
        }
        print(json.dumps(answer), flush=True)


def _ready(activation, symmetric, stds, folder, points, depth):
    layers = []
    for _ in range(depth):
        layers.append(stax.Dense(1, W_std=stds["weight_std"], b_std=stds["bias_std"]))
        layers.append(LAYERS[activation]())
    readout = stax.Dense(1, W_std=stds["readout_weight_std"], b_std=stds["readout_bias_std"])
    kernel = stax.serial(*layers, readout)[2]
    x1, x2 = (
        np.random.default_rng(seed).standard_normal((points, FEATURES)).astype(np.float32)
        for seed in (0, 1)
    )
    x1, x2 = jax.device_put(x1), None if symmetric else jax.device_put(x2)
    whole = jax.jit(lambda x1, x2: kernel(x1, x2, "ntk"))
    batched = nt.batch(kernel, batch_size=BATCH)
    programs = {
        "one jitted program": lambda: whole(x1, x2).block_until_ready(),
        "batches of 500": lambda: batched(x1, x2, "ntk").block_until_ready(),
    }
    first = {}
    for name, program in programs.items():
        clock = time.perf_counter()
        value = program()
        first[name] = time.perf_counter() - clock
        np.save(folder / "kernel.npy", np.asarray(value))
    name = min(programs, key=lambda name: min(_seconds(programs[name]) for _ in range(3)))
    return name, programs[name], first[name]


def _seconds(program) -> float:
    clock = time.perf_counter()
    program()
    return time.perf_counter() - clock


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
