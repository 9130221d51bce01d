"""Process that writes sweeps until it is killed: one child per line of stdin, its id on stdout."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def run_missing(path, design):
    from store_cases import made_up

    from lazyscope.sweep.run._run import run_sweep_with
    from lazyscope.sweep.run._workers import ThreadWorkers

    run_sweep_with(ThreadWorkers(2), lambda unit, record: list(map(made_up, unit)), design, path)


def main(path, num_widths, num_seeds):
    from store_cases import small_design

    with tempfile.TemporaryDirectory() as folder:
        run_missing(folder, small_design(1, 1))  # import everything before the forks
    design = small_design(num_widths, num_seeds)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            run_missing(path, design)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
