"""How long does the two-layer phase diagram take, cold and warm?

    python benchmarks/sweep_two_layer.py [threads]

Wall and processor time of examples/sweeps/two-layer.toml (1452 runs, widths up to 10^4): first with
compilation, then again with the compiled programs. Processor time says what a quiet machine would take.
"""

import sys
import tempfile
import time
from pathlib import Path

from lazyscope.sweep import SweepDesign, estimate_cost, open_store, run_sweep
from lazyscope.sweep._workers import usable_cores

FILE = Path(__file__).parents[1] / "examples" / "sweeps" / "two-layer.toml"


def main() -> None:
    """Print both times and where they went."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else usable_cores()
    design = SweepDesign.from_file(FILE)
    print(estimate_cost(design, num_workers=threads).sentence)
    for what in ("with compilation", "compiled"):
        with tempfile.TemporaryDirectory() as folder:
            wall, processor = time.perf_counter(), time.process_time()
            summary = run_sweep(design, folder, num_workers=threads)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            results = open_store(folder)
        print(f"{what}: {wall:.1f} s of wall time, {processor:.1f} s of processor time")
        print(f"  {dict(summary.outcomes)}, {threads} threads")
    others = [dim for dim in results["steps"].dims if dim != "width"]
    for width in results["width"].values:
        steps = float(results["steps"].sel(width=width).sum(others))
        seconds = float(results["seconds"].sel(width=width).sum(others))
        print(
            f"  width {width}: {steps:.0f} steps, {1e6 * seconds / steps:.0f} us of wall time each"
        )


if __name__ == "__main__":
    main()
