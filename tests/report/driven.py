"""What can go wrong with a page in a real browser, for every page alike?

A page is opened on a desk and on a phone, by readers of light and of dark pages, and printed. What is
wrong comes back as a list of sentences; an empty list is a page that passes.
"""

import base64
import os
from pathlib import Path

DESK, PHONE, PAPER = 1280, 390, 739
LARGEST_PAGE = 2.5e6
LONGEST_TIME = 2000.0
"""Milliseconds from opening to the first figure, on a machine that does nothing else."""

OVERFLOWING = (
    "(() => { const wide = document.documentElement.clientWidth, found = [];"
    "for (const e of document.querySelectorAll('body *')) {"
    "  if (e.closest('.scroll, pre, .unseen, .drawn, svg, .panel')) continue;"
    "  const b = e.getBoundingClientRect();"
    "  if (b.width && b.right > wide + 1)"
    "    found.push(e.tagName + '.' + e.className + ' to ' + Math.round(b.right));"
    "} return found.slice(0, 5); })()"
)
MISFITS = (
    "[...document.querySelectorAll('.panel')].filter(p => p.querySelector('.main-svg')).filter(p => {"
    "const b = p.querySelector('.main-svg').getBoundingClientRect();"
    "return Math.abs(b.width - p.clientWidth) > 1 || Math.abs(b.height - p.clientHeight) > 1;"
    "}).length"
)
CONTENTS = (
    "[...document.querySelectorAll('.contents a')].filter(a =>"
    " !document.getElementById(a.getAttribute('href').slice(1))).map(a => a.textContent)"
)
OVERLAPS = (
    "[...document.querySelectorAll('.panel')].flatMap(p => ['.xtick text', '.ytick text'].flatMap(kind => {"
    "const boxes = [...p.querySelectorAll(kind)].map(t => [t.textContent, t.getBoundingClientRect()])"
    ".filter(([, b]) => b.width).sort((a, b) => a[1].x - b[1].x || a[1].y - b[1].y);"
    "return boxes.flatMap(([text, b], k) => boxes.slice(k + 1).filter(([other, o]) => other !== text &&"
    " b.left < o.right - 2 && o.left < b.right - 2 && b.top < o.bottom - 3 && o.top < b.bottom - 3)"
    ".map(([other]) => `${text} over ${other}`)); })).slice(0, 5)"
)
AXE = (
    # Figures are described beside them, and rows of a long table are alike.
    "axe.run({exclude: [['.main-svg'], ['tbody tr:nth-child(n+20)']]},"
    " {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
    ".then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => v.id + ': '"
    " + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' '"
    " + ([...n.any, ...n.all, ...n.none][0] || {message: ''}).message).join(' | ')))"
)


def faults(browser, page: Path, *, pictures: Path | None = None, axe: str | None = None):
    """Everything that is wrong with a page, a sentence each; pictures of it where a folder is given."""
    found, size = [], page.stat().st_size
    if size > LARGEST_PAGE:
        found.append(f"{size / 1e6:.2f} MB")
    for width, scheme in ((DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")):
        where = f"{width} {scheme}"
        browser.open(page, width=width, height=900, scheme=scheme)
        first = browser.evaluate("document.documentElement.dataset.first")
        busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        if first is not None and float(first) > busy * LONGEST_TIME:
            found.append(f"{where}: first figure after {first} ms at {busy:.1f} tasks a core")
        if browser.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{where}: overflow, {browser.evaluate(OVERFLOWING)}")
        found += [f"{where}: {problem}" for problem in browser.problems]
        found += [
            f"{where}: asks for {a}" for a in browser.addresses if a != page.resolve().as_uri()
        ]
        found += [f"{where}: no section {title}" for title in browser.evaluate(CONTENTS)]
        found += [f"{where}: ticks {words}" for words in browser.evaluate(OVERLAPS)]
        if browser.evaluate(MISFITS):
            found.append(f"{where}: a figure does not fill its place")
        if axe is not None:
            browser.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            browser.evaluate(axe + ";0")
            found += [f"{where}: axe {words}" for words in browser.evaluate(AXE)]
        if pictures is not None:
            browser.screenshot(pictures / f"{page.stem}-{width}-{scheme}.png")
    if (width := width_on_paper(browser, page)) > PAPER:
        found.append(f"print: {width} of {PAPER} pixels wide, so that all of it shrinks")
    if size_of_print(browser, page, pictures) < 5000:
        found.append("the print is empty")
    found += [f"print: {problem}" for problem in browser.problems]
    return found


def width_on_paper(browser, page: Path) -> int:
    """Pixels that it takes on paper as wide as Letter between its margins, everything folded opened."""
    browser.open(page, width=PAPER, height=900)
    browser.print_media()
    browser.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    return browser.evaluate("document.documentElement.scrollWidth")


def size_of_print(browser, page: Path, pictures: Path | None) -> int:
    """Bytes of the page on paper, asked for by a reader of dark pages."""
    browser.open(page, width=DESK, height=900, scheme="dark")
    pdf = base64.b64decode(browser.pdf())
    if pictures is not None:
        (pictures / f"{page.stem}.pdf").write_bytes(pdf)
    return len(pdf)


def first_lines(browser) -> list[str]:
    """What a reader meets under the title, in order: kinds of elements of the header."""
    children = "[...document.querySelector('header').children]"
    return browser.evaluate(f"{children}.map(e => e.className || e.tagName)")
