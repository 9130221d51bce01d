"""A sweep that is refused while another of its runs is under way, as a process of its own."""

import sys
import time
from pathlib import Path

from lazyscope.cli import main
from lazyscope.sweep import run_sweep
from lazyscope.sweep.run import _run
from sweep.store_cases import made_up, small_design

FOLDER, HOW = Path(sys.argv[1]), sys.argv[2]


def work(unit, record):
    """The first width lasts; the second ends at once, after its store lost its lock."""
    if unit[0].settings["width"] == 1:
        time.sleep(4.0)
    else:
        (FOLDER / "lock").unlink(missing_ok=True)
    return [made_up(cell) for cell in unit]


_run.run_unit = work
if HOW == "command":
    sys.argv = [
        "lazyscope",
        "sweep",
        str(FOLDER) + ".toml",
        "--store",
        str(FOLDER),
        "--workers",
        "2",
    ]
    main()
try:
    run_sweep(small_design(num_widths=2, num_seeds=1), FOLDER, num_workers=2)
except ValueError:
    sys.exit(7)
