"""Process that writes sweeps until it is killed: one child per line of stdin, its id on stdout."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def write_missing(path, design, batch):
    from store_cases import made_up

    from lazyscope.sweep import writing_store

    with writing_store(path, design) as store:
        missing = store.missing()
        for start in range(0, len(missing), batch):
            store.write([made_up(cell) for cell in missing[start : start + batch]])


def main(path, num_widths, num_seeds):
    from store_cases import small_design

    with tempfile.TemporaryDirectory() as folder:
        write_missing(folder, small_design(1, 1), batch=1)  # import everything before the forks
    design = small_design(num_widths, num_seeds)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            write_missing(path, design, batch=3)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
