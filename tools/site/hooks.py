"""What MkDocs calls while it builds the site: pages that are made, tutorials that are run, formulas."""

import os
import re
import sys
import tempfile
from pathlib import Path

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parent))
from benchmarks_page import benchmark_page
from gallery import gallery_page, gallery_pages
from mathematics import with_formulas
from reference import ROOMS, reference_pages
from tutorials import run_page, with_output

ROOT = Path(__file__).parents[2]
PLAIN = {
    "theory.md", "theorem.md", "equivalence.md", "depth.md", "where-the-law-is-off.md",
    "schemes.md", "networks.md", "estimates.md", "coordinate-check.md", "limit-kernels.md", "glossary.md",
    "narrow-proxy.md", "observer.md",
}  # fmt: skip
_PRINTED: dict[str, list[str]] = {}


def on_config(config):
    """Pages that the list does not name are guides; a page for every room stands beside the reference."""
    told = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    guides = next(part["Guides"] for part in config.nav if "Guides" in part)
    guides += [p.name for p in sorted((ROOT / "docs").glob("*.md")) if f": {p.name}" not in told]
    if _with_reference():
        entries = next(part["Reference"] for part in config.nav if "Reference" in part)
        place = next(n for n, entry in enumerate(entries) if "Python" in entry)
        pages = [{room: f"api/{room}.md"} for room in ROOMS]
        entries[place] = {"Python": ["api/index.md", *pages]}
    return config


def _with_reference() -> bool:
    return os.environ.get("LAZYSCOPE_SITE_API", "true") == "true"


def on_files(files, config):
    """Pages and figures that are made rather than written."""
    made = {
        "changes.md": _changes(),
        "benchmarks.md": benchmark_page(),
        "gallery.md": gallery_page(),
    }
    if _with_reference():
        made |= reference_pages()
    else:
        made["api/index.md"] = (
            "# Python\n\nThis build has no reference: it was made with `LAZYSCOPE_SITE_API=false`.\n"
        )
    for address, text in made.items():
        files.append(File.generated(config, address, content=text))
    files.append(File.generated(config, "explorer/explorer.html", content=_explorer()))
    for address, text in gallery_pages().items():
        files.append(File.generated(config, address, content=text))
    for page in sorted((ROOT / "docs" / "tutorials").glob("*.md")):
        printed, folder = run_page(page.stem, page.read_text(encoding="utf-8"))
        _PRINTED[f"tutorials/{page.name}"] = printed
        for figure in sorted(folder.rglob("*")):
            if figure.suffix in {".svg", ".png", ".pdf", ".html"}:
                address = f"tutorials/{page.stem}/{figure.relative_to(folder).as_posix()}"
                files.append(File.generated(config, address, abs_src_path=str(figure)))
    return files


def on_page_markdown(markdown, page, config, files):
    """What blocks of tutorials print."""
    printed = _PRINTED.get(page.file.src_uri)
    return with_output(markdown, printed) if printed is not None else markdown


def on_page_content(html, page, config, files):
    """Formulas."""
    return with_formulas(html, plain=page.file.src_uri in PLAIN)


def on_post_page(output, page, config):
    """Search from the disk needs a script that Material would load from elsewhere."""
    return _with_own_script(output, page.url.count("/"))


def on_post_template(output_content, template_name, config):
    """The same for pages of the theme."""
    return _with_own_script(output_content, 0)


def _with_own_script(page: str, depth: int) -> str:
    own = "../" * depth + "assets/iframe-worker.js"
    dialog = 'data-md-component="search" role="dialog"'
    named = page.replace(dialog, f'{dialog} aria-label="Search"')  # its dialog has no name
    return named.replace("https://unpkg.com/iframe-worker/shim", own)


def _explorer() -> str:
    from lazyscope.report import write_explorer_page

    with tempfile.TemporaryDirectory() as folder:
        return write_explorer_page(Path(folder) / "explorer.html").read_text(encoding="utf-8")


def _changes() -> str:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.sub(r"\]\(docs/", "](", text)
