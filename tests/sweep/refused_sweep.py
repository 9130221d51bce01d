"""A sweep that is refused while another of its runs is under way, as a process. Arguments: store, kind."""

import sys
import time
from pathlib import Path


def main(folder, kind):
    from lazyscope.cli import main as command
    from lazyscope.sweep import run_sweep
    from lazyscope.sweep.run import _run
    from sweep.store_cases import made_up, small_design

    def work(unit, record):
        """The first width lasts; the second ends at once, after its store lost its lock."""
        if unit[0].settings["width"] == 1:
            time.sleep(4.0)
        else:
            (folder / "lock").unlink(missing_ok=True)
        return [made_up(cell) for cell in unit]

    _run.run_unit = work
    if kind == "command":
        design = f"{folder}.toml"
        sys.argv = ["lazyscope", "sweep", design, "--store", str(folder), "--workers", "2"]
        command()
    try:
        run_sweep(small_design(num_widths=2, num_seeds=1), folder, num_workers=2)
    except ValueError:
        sys.exit(7)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
