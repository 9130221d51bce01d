"""Do the Python and shell blocks of README and docs run as they stand, page by page and in their order?

A page is run in an empty folder. Blocks of a file (``title="plane.toml"``, or a first line ``# my_model.py``)
are written there. What a page leaves to its reader (data, a training step) is in `BEFORE`; blocks that are
not run with their page, and why, are in `MARKED`: `make nightly` runs all that can be run here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from site_blocks import BEFORE, FAST, MARKED, PAGES, ROOT, blocks_of, marked

NIGHTLY = [(page, block) for page in PAGES for block in blocks_of(page) if marked(page, block)]
JUDGES = ("check", "study", "validate", "proxy")
VERDICTS = {0, 1, 3}  # of commands that judge


def environment(folder):
    """Where `lazyscope`, `python` and `make` are those of this environment."""
    commands = folder / ".bin"
    commands.mkdir(exist_ok=True)
    script = commands / "lazyscope"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lazyscope "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    path = f"{commands}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    sources = os.pathsep.join([str(ROOT / "src"), str(folder), str(ROOT / "tests")])
    return {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": sources,
        "MPLBACKEND": "agg",
        "COLUMNS": "100",
    }


def run_shell(lines, folder):
    """Every command of a block; commands that judge may come to any verdict."""
    for line in lines.replace("\\\n", " ").splitlines():
        if line.split("#")[0].strip():
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", line],
                cwd=folder,
                env=environment(folder),
                capture_output=True,
                text=True,
            )
            judges = line.split()[:2] in [["lazyscope", word] for word in JUDGES]
            told = f"{line}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
            assert "Traceback" not in done.stderr, told
            assert done.returncode in (VERDICTS if judges else {0}), told


def run_python(code, folder, name):
    file = folder / f".{name}.py"
    file.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(file)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{code}\n{done.stderr[-2500:]}"


def run_page(page, folder):
    """The blocks of a page, neighbouring Python blocks in one process."""
    code = ""
    for block in blocks_of(page):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
    for block in blocks_of(page):
        if marked(page, block):
            continue
        if block.language == "python":
            code += BEFORE.get((page, block.number), "") + "\n" + block.text
        elif block.language == "sh":
            if code:
                run_python(code, folder, f"to_{block.number}")
            if (page, block.number) in BEFORE:
                run_python(BEFORE[page, block.number], folder, f"before_{block.number}")
            run_shell(block.text, folder)
            code = ""
    if code:
        run_python(code, folder, "last")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_its_language(page):
    known = {"python", "sh", "toml", "text"}
    assert [(b.number, b.language) for b in blocks_of(page) if b.language not in known] == []


@pytest.mark.parametrize("page", FAST)
def test_blocks_run(page, tmp_path):
    run_page(page, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if p not in FAST])
def test_longer_blocks_run(page, tmp_path):
    if any("torch" in b.text for b in blocks_of(page)):
        pytest.importorskip("torch")
    run_page(page, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "block"), NIGHTLY, ids=lambda v: str(getattr(v, "number", v)))
def test_marked_blocks_run_nightly(page, block, tmp_path):
    how, why = marked(page, block)
    if how == "not here":
        if block.language == "python":
            compile(block.text, page, "exec")
        pytest.skip(why)
    if how == "install":
        # As written, in a fresh environment; pip resolves and builds, and installs no gigabytes.
        subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
        path = f"{tmp_path / 'fresh' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "PIP_DRY_RUN": "1"}
        env.pop("PYTHONPATH", None)
        text = block.text.replace("'lazyscope[", "'.[") if page != "README.md" else block.text
        subprocess.run(["bash", "-euc", text], cwd=ROOT, env=env, check=True)
    elif how == "make":
        # Tests cannot run themselves: what a line would do is asked for, and the study is run.
        for line in block.text.splitlines():
            subprocess.run(
                ["make", "-n", line.split()[1]], cwd=ROOT, check=True, capture_output=True
            )
        if "make study" in block.text:
            run_shell("lazyscope study kappa --output lazyscope-study-kappa", tmp_path)
            assert (tmp_path / "lazyscope-study-kappa" / "index.html").exists()
    else:
        for other in blocks_of(page):
            if other.title:
                (tmp_path / other.title).write_text(other.text, encoding="utf-8")
        if block.language == "python":
            run_python(
                BEFORE.get((page, block.number), "") + "\n" + block.text, tmp_path, "nightly"
            )
        else:
            if (page, block.number) in BEFORE:
                run_python(BEFORE[page, block.number], tmp_path, "before")
            run_shell(block.text, tmp_path)


def test_marks_point_at_blocks():
    there = {(page, block.number) for page in PAGES for block in blocks_of(page)}
    assert set(MARKED) <= there
    assert set(BEFORE) <= there
