"""Process that begins a sweep and says when: it is then interrupted. Arguments: store, kind."""

import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # also where whoever runs the tests ignores it


def main(path, kind):
    import lazyscope.sweep.store._folder as folder
    from lazyscope.sweep import SweepDesign, run_sweep
    from lazyscope.sweep.run._run import run_sweep_with
    from lazyscope.sweep.run._workers import ThreadWorkers
    from sweep.store_cases import made_up, small_design

    if kind == "compile":
        fixed = {"width": 30, "scheme": "ntk", "stop": 0.5, "depth": 60}
        print("ready", flush=True)
        run_sweep(SweepDesign(axes={"seed": [0, 1]}, fixed=fixed), path, num_workers=2)
    elif kind == "write":
        place = folder.Folder.place

        def slow_place(self, name, content):
            if name.endswith(".zarr.zip"):
                print("ready", flush=True)
                time.sleep(0.7)
            place(self, name, content)

        folder.Folder.place = slow_place
        run_sweep_with(
            ThreadWorkers(1), lambda u, record: list(map(made_up, u)), small_design(), path
        )
    elif kind == "run":

        def work(unit, record):
            if unit[0].settings["seed"] == 2:
                print("ready", flush=True)
                time.sleep(60)
            return list(map(made_up, unit))

        run_sweep_with(ThreadWorkers(1), work, small_design(num_widths=1), path)


if __name__ == "__main__":
    from lazyscope.cli.process._refusal import INTERRUPTED

    try:
        main(sys.argv[1], sys.argv[2])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
