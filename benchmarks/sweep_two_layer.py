"""How long does the two-layer phase diagram take, cold and warm?

Wall and processor time of examples/sweeps/two-layer.toml (1452 runs, widths up to 10^4): first with
compilation, then again with the compiled programs. Processor time says what a quiet machine would take.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from lazyscope.sweep import SweepDesign, estimate_cost, open_store, run_sweep
from lazyscope.sweep.design._units import usable_cores

FILE = Path(__file__).parents[1] / "examples" / "sweeps" / "two-layer.toml"


def run() -> dict[str, Any]:
    design = SweepDesign.from_file(FILE)
    rows = []
    for what, asked in (("with compilation", 100.0), ("compiled", 60.0)):
        with tempfile.TemporaryDirectory() as folder:
            wall, processor = time.perf_counter(), time.process_time()
            summary = run_sweep(design, folder)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            results = open_store(folder)
            others = [dim for dim in results["steps"].dims if dim != "width"]
            steps = results["steps"].sum(others)
            each = results["seconds"].sum(others) / steps
            by_width = {
                str(width): {"steps": float(count), "microseconds_per_step": 1e6 * float(taken)}
                for width, count, taken in zip(
                    results["width"].values, steps.values, each.values, strict=True
                )
            }
        row = {"what": what, "runs": summary.num_done, "wall_s": wall, "processor_s": processor}
        rows.append(row | {"asked_wall_s": asked, "outcomes": str(dict(summary.outcomes))})
    estimate = estimate_cost(design, num_workers=usable_cores()).sentence
    return {"rows": rows, "steps_by_width": by_width, "estimate": estimate}
