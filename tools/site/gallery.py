"""The gallery: every study's own page, as `make gallery` left it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "gallery"
# The question that each study answers, and with which options `make gallery` runs it.
STUDIES = {
    "kappa": (
        "Does kappa alone decide, on real data?",
        ["--n", "32", "--widths", "64,128", "--seeds", "2"],
    ),
    "two-layer": (
        "Where in the plane of two-layer schemes does each layer become lazy?",
        ["--gamma", "0.4,0.8,1.2,1.6", "--gamma-prime=-0.4,0,0.4,0.8", "--seeds", "2"],
    ),
    "three-layer": (
        "And with three layers?",
        ["--scale-exponent-1=-0.4,0,0.4", "--scale-exponent-2=-0.4,0,0.4", "--seeds", "2"],
    ),
    "random-schemes": (
        "Does the displacement law hold for schemes that nobody chose?",
        ["--schemes", "8", "--depths", "1,2"],
    ),
    "theorem": (
        "Does the loss fall as fast as the theorem guarantees?",
        ["--widths", "32,64,128", "--threshold-widths", "32,64,128", "--seeds", "2"],
    ),
    "output-scale": (
        "On which alpha m^p do scaled outputs collapse?",
        ["--widths", "32,128,512", "--num-points", "16"],
    ),
    "condensation": (
        "Where do weights condense?",
        ["--gamma", "0.5,1,1.75", "--gamma-prime=-0.25,0.25"],
    ),
}
INTRODUCTION = (
    "The pages that studies write, as they are: one file each, interactive, without a network. "
    "`make gallery` runs the studies and keeps what was run; `make docs` then takes the pages in."
)


def study_pages() -> dict[str, Path]:
    """Address in the site -> file, of the pages that are there."""
    return {
        f"gallery/{name}.html": FOLDER / name / "index.html"
        for name in STUDIES
        if (FOLDER / name / "index.html").exists()
    }


def gallery_page() -> str:
    """Markdown: a line for every study, with its page or the words that there is none yet."""
    there = study_pages()
    lines = [
        "# Gallery",
        "",
        INTRODUCTION,
        "",
        "| study | question | page | command |",
        "|---|---|---|---|",
    ]
    for name, (question, options) in STUDIES.items():
        page = (
            f"[open]({name_of(name)})"
            if f"gallery/{name}.html" in there
            else "not run for this build"
        )
        command = " ".join(["lazyscope study", name, *options])
        lines.append(f"| {name} | {question} | {page} | `{command}` |")
    if len(there) < len(STUDIES):
        count = f"{len(STUDIES) - len(there)} of {len(STUDIES)}"
        lines += [
            "",
            f"{count} pages are missing in this build: `make gallery` was not run, or not to the end.",
        ]
    return "\n".join(lines) + "\n"


def name_of(study: str) -> str:
    """The address of a study's page, as seen from the gallery."""
    return f"gallery/{study}.html"


def main() -> int:
    """Run every study that has no page yet; the exit code is that of the worst."""
    worst = 0
    for name, (_, options) in STUDIES.items():
        command = [
            sys.executable,
            "-m",
            "lazyscope",
            "study",
            name,
            "--output",
            str(FOLDER / name),
            *options,
        ]
        done = subprocess.run(command, cwd=ROOT, check=False).returncode
        print(json.dumps({"study": name, "exit": done}))
        worst = max(
            worst, 0 if done in {0, 1, 3} and f"gallery/{name}.html" in study_pages() else 2
        )
    return worst


if __name__ == "__main__":
    sys.exit(main())
