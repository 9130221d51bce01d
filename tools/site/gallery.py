"""The gallery: the pages that studies, sweeps and observers write, as they are.

`make gallery` runs what is listed in `SHOWN` in the folder `gallery`, which goes on where it was interrupted,
and keeps every page in `gallery_kept` without the scripts and styles that all pages share. The build of the
site puts those of today in again: a page costs the repository its data and not 1.5 MB of plotly.js.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "gallery"
KEPT = Path(__file__).parent / "gallery_kept"
INPUT = Path(__file__).parent / "gallery_input"
"""Networks and sweep files that commands name."""
RUN = {"lazyscope": f"{sys.executable} -m lazyscope", "python": sys.executable}


@dataclass(frozen=True)
class Shown:
    """A page of the gallery: the question that it answers, the commands that make it, and its place then."""

    question: str
    commands: tuple[str, ...]
    page: str


def _study(name: str, question: str, options: str, network: str = "") -> tuple[str, Shown]:
    words = ["lazyscope study", name, *filter(None, [network]), options, "--output", name]
    return name, Shown(question, (" ".join(words),), f"{name}/index.html")


def _sweep(name: str, question: str) -> tuple[str, Shown]:
    run = f"lazyscope sweep {name}.toml --store {name}"
    return name, Shown(question, (run, f"lazyscope report {name} -o {name}.html"), f"{name}.html")


SHOWN = dict(
    (
        _study(
            "kappa", "Does kappa alone decide, on real data?", "--n 32 --widths 64,128 --seeds 2"
        ),
        _study(
            "two-layer",
            "Where in the plane of two-layer schemes does each layer become lazy?",
            "--gamma 0.5,0.75,1,1.25,1.5,1.75 --gamma-prime=-0.4,-0.1,0.2,0.5,0.8 --seeds 2",
        ),
        _study(
            "three-layer",
            "And with three layers?",
            "--scale-exponent-1=-0.4,-0.2,0,0.2,0.4 --scale-exponent-2=-0.4,-0.2,0,0.2,0.4 --seeds 2",
        ),
        _study(
            "random-schemes",
            "Does the displacement law hold for schemes that nobody chose?",
            "--schemes 12 --depths 1,2",
        ),
        _study(
            "theorem",
            "Does the loss fall as fast as the theorem guarantees?",
            "--widths 32,64,128 --threshold-widths 32,64,128 --seeds 2",
        ),
        _study(
            "output-scale",
            "On which alpha m^p do scaled outputs collapse?",
            "--widths 32,128,512 --num-points 16",
        ),
        _study(
            "condensation",
            "Where do weights condense?",
            "--gamma 0.5,0.75,1,1.25,1.5,1.75 --gamma-prime=-0.5,-0.25,0,0.25,0.5",
        ),
        _study(
            "coordinates",
            "Is a network of my own in muP, as I train it?",
            "--data digits --n 32 --widths 32,64,128 --expect mup",
            "network:build",
        ),
        _study(
            "narrow-proxy",
            "What will a network of my own do at a width that I did not train?",
            "--data digits --n 32 --width 512 --proxy-widths 32,64 --steps 30 --optimizer sgd --lr 0.1",
            "network:build",
        ),
        _sweep("one-axis", "How does an exponent change along one axis of schemes?"),
        _sweep("points", "And over a list of schemes?"),
        (
            "observer",
            Shown(
                "What did a training loop of my own do?",
                ("python observed.py", "lazyscope report record.json -o observer.html"),
                "observer.html",
            ),
        ),
    )
)
INTRODUCTION = (
    "The pages that studies, sweeps and observers write, as they are: one file each, interactive, without a "
    "network. Settings are small, so that every one of them is made in about a minute; the defaults of the "
    "commands are larger. `make gallery` makes them again."
)


def gallery_pages() -> dict[str, str]:
    """Address in the site -> text, of the pages that are kept."""
    return {
        f"gallery/{name}.html": with_shared(path.read_text(encoding="utf-8"))
        for name in SHOWN
        if (path := KEPT / f"{name}.html").exists()
    }


def gallery_page() -> str:
    """Markdown: question, page and commands of everything that is shown, and the files that commands name."""
    lines = ["# Gallery", "", INTRODUCTION, ""]
    for name, shown in SHOWN.items():
        lines += [f"## {name}", "", f"{shown.question} [Open the page](gallery/{name}.html)", ""]
        lines += ["```sh", *shown.commands, "```", ""]
    lines += ["## Files that commands name", ""]
    for path in sorted(INPUT.iterdir()):
        language = {".py": "python"}.get(path.suffix, path.suffix[1:])
        text = path.read_text(encoding="utf-8").strip()
        lines += [f'```{language} title="{path.name}"', text, "```", ""]
    lines += ["The [explorer](explorer.md) is a page of its own."]
    return "\n".join(lines) + "\n"


def without_shared(page: str) -> str:
    """A page with the scripts and styles that all pages share replaced by their names."""
    for name, text in _shared():
        page = page.replace(text, _mark(name))
    return page


def with_shared(page: str) -> str:
    """The page with the scripts and styles of today."""
    for name, text in _shared():
        page = page.replace(_mark(name), text)
    return page


def _mark(name: str) -> str:
    return f"/*{{shared {name}}}*/"


def _shared() -> Iterator[tuple[str, str]]:
    from lazyscope.report import parts

    folder = Path(parts.__file__).parent
    for path in sorted((*folder.glob("plotly/*.js"), *folder.glob("templates/*.[jc]s*"))):
        if path.suffix in {".js", ".css"}:
            yield path.name, path.read_text(encoding="utf-8")


def main(names: Sequence[str]) -> int:
    """Make the pages of these names again, all without names; what a store holds is not run twice."""
    FOLDER.mkdir(exist_ok=True)
    KEPT.mkdir(exist_ok=True)
    for path in INPUT.iterdir():
        shutil.copy(path, FOLDER)
    failed = []
    for name in names or SHOWN:
        shown = SHOWN[name]
        for command in shown.commands:
            told = re.sub(r"^(lazyscope|python)", lambda word: RUN[word[0]], command)
            done = subprocess.run(told, shell=True, cwd=FOLDER, check=False).returncode
            if done not in {0, 1, 3}:
                failed.append(f"{name}: {done}")
        page = (FOLDER / shown.page).read_text(encoding="utf-8")
        (KEPT / f"{name}.html").write_text(without_shared(page), encoding="utf-8")
    print("\n".join(failed) or f"{len(names or SHOWN)} pages are in {KEPT}")
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
