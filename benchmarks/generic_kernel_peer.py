"""How long does neural-tangents take? Answers on standard input and output, in its own environment.

It reads a case name for each line, runs its kernel once (compiling it before, at the first time), and
writes one JSON object with seconds, processor seconds and the file that holds the kernel.
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

from generic_kernel_cases import CASES  # noqa: E402


def main(folder: Path) -> None:
    ready = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in ready:
            ready[name] = _ready(name, folder)
        run, first = ready[name]
        clock, processor = time.perf_counter(), time.process_time()
        run()
        answer = {
            "seconds": time.perf_counter() - clock,
            "processor": time.process_time() - processor,
            "first": first,
        }
        print(json.dumps(answer), flush=True)


def _ready(name: str, folder: Path):
    apply, params, x = CASES[name]()
    params, x = jax.device_put((params, x))
    function = nt.empirical_ntk_fn(
        apply,
        trace_axes=(),
        vmap_axes=0,
        implementation=nt.NtkImplementation.STRUCTURED_DERIVATIVES,
    )
    kernel = jax.jit(lambda params, x: function(x, None, params))
    clock = time.perf_counter()
    np.save(folder / f"{name}.npy", np.asarray(kernel(params, x)))
    return lambda: jax.block_until_ready(kernel(params, x)), time.perf_counter() - clock


if __name__ == "__main__":
    main(Path(sys.argv[1]))
