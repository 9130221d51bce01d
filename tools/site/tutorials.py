"""Pages whose examples are run when the site is built.

The Python blocks of a page are run in their order, in a process and an empty folder of their own; what a
block prints is shown below it, and figures that it writes can be shown by the page. Results are kept by
content: the blocks, and the source of the library. A block that fails, fails the build.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".site_cache"
_BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = """
import contextlib, io, json, sys
blocks, printed, names = json.load(open("blocks.json")), [], {"__name__": "__main__"}
for number, block in enumerate(blocks):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block, f"<block {number + 1}>", "exec"), names)
    printed.append(out.getvalue())
json.dump(printed, open("printed.json", "w"))
"""


def run_page(name: str, text: str) -> tuple[list[str], Path]:
    """What every block of a page prints, and the folder with the files that were written."""
    blocks = _BLOCK.findall(text)
    folder = KEPT / f"{name}-{_digest(blocks)}"
    if not (folder / "printed.json").exists():
        for old in KEPT.glob(f"{name}-*"):
            shutil.rmtree(old, ignore_errors=True)
        KEPT.mkdir(exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=KEPT))  # several builds may run at once
        (work / "blocks.json").write_text(json.dumps(blocks), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _RUN],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=1500,
            env={**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT / "src")},
        )
        if done.returncode:
            shutil.rmtree(work)
            raise RuntimeError(f"{name}: a block failed.\n{done.stderr[-3000:]}")
        try:
            work.rename(folder)
        except OSError:  # another build was there first
            shutil.rmtree(work)
    return json.loads((folder / "printed.json").read_text(encoding="utf-8")), folder


def with_output(text: str, printed: list[str]) -> str:
    """The page with what every block printed below it."""
    said = iter(printed)

    def shown(block: re.Match[str]) -> str:
        out = next(said).rstrip()
        return block[0] + (f'\n\n```text title="prints"\n{out}\n```' if out else "")

    return _BLOCK.sub(shown, text)


def _digest(blocks: list[str]) -> str:
    found = hashlib.sha256(json.dumps(blocks).encode())
    for path in sorted((ROOT / "src" / "lazyscope").rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]
