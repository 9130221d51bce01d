"""What is a report page made of?

A page is a header with a verdict, then sections in order: figures, tables, lists of settings, or a
section that brings its own markup. It is one HTML file that needs nothing else: styles, scripts,
data and one copy of plotly.js are inside. What a page says comes from the module of that page.
"""

import base64
import gzip
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self, TypeAlias, final

import jinja2
import numpy as np
from markupsafe import Markup, escape

from lazyscope.report.parts._glossary import Term, terms_in
from lazyscope.report.parts._plotly import PLOTLY_VERSION, plotly_script
from lazyscope.report.parts._summary import panel_summary

_POWER = re.compile(r"(?<=[\w)])\^(-?\d+(?:[./]\d+)?|-?[a-z]|\([^()\s]{1,8}\))(?!\w)")
_LONG = 60_000
"""Characters above which data of a script are compressed."""


@final
class Cell(str):
    """Text of one table cell; its tone (good, bad, muted) colours it."""

    __slots__ = ("tone",)

    def __new__(cls, text: str, tone: str = "") -> "Cell":
        """Attach the tone to the text."""
        cell = super().__new__(cls, text)
        cell.tone = tone
        return cell


@final
@dataclass(frozen=True)
class Table:
    """Rows of text under a header; `folded` is the label of a table that starts closed."""

    anchor: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    folded: str = ""
    numeric: bool = True
    kind: str = field(default="table", init=False)


@final
@dataclass(frozen=True)
class Panel:
    """One Plotly plot: traces and layout, without colours of the theme.

    A trace's ``meta`` says what it shows (``{"shape": "balanced", "width": 128}``); selectors and
    legends of the figure show or hide it by these keys.
    """

    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    title: str = ""
    size: str = ""

    @property
    def summary(self) -> str:
        """What it shows, in words for readers who do not see it."""
        return panel_summary(self.data, self.layout)


@final
@dataclass(frozen=True)
class Key:
    """One entry of a legend: the value of the legend's key, and how it looks."""

    value: str
    label: str
    color: str = ""
    symbol: str = "circle"
    dash: str | None = None
    detail: str = ""


@final
@dataclass(frozen=True)
class Legend:
    """The values of one key with their looks; a click shows or hides the traces of a value."""

    key: str
    label: str
    items: Sequence[Key]

    @classmethod
    def of_colors(
        cls,
        key: str,
        label: str,
        colors: Mapping[Any, str],
        *,
        text: Callable[[Any], str] = str,
        **looks: Any,
    ) -> Self:
        """A legend of values by their colours, which all look alike besides."""
        return cls(key, label, [Key(text(v), text(v), c, **looks) for v, c in colors.items()])


@final
@dataclass(frozen=True)
class Choice:
    """One option of a selector, with changes to the layout while it is chosen ("*" is all)."""

    value: str
    label: str
    layout: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Selector:
    """A list to choose one value of a key from."""

    key: str
    label: str
    choices: Sequence[Choice]
    initial: str

    @classmethod
    def of_values(cls, key: str, label: str, values: Sequence[Any], chosen: int = 0) -> Self:
        """A list of values, of which number `chosen` is shown first; nothing where there are none."""
        texts = [str(value) for value in values]
        return cls(key, label, [Choice(t, t) for t in texts], texts[chosen] if texts else "")


@final
@dataclass(frozen=True)
class Figure:
    """One numbered figure: panels side by side (`columns` as CSS), a caption, ways to look."""

    anchor: str
    title: str
    caption: str
    panels: Sequence[Panel]
    legends: Sequence[Legend] = ()
    selectors: Sequence[Selector] = ()
    columns: str = "1fr"
    table: Table | None = None
    kind: str = field(default="figure", init=False)


@final
@dataclass(frozen=True)
class Settings:
    """What was run and with what: names and values, and commands that do it again."""

    anchor: str
    title: str
    items: Sequence[tuple[str, str]]
    commands: Sequence[tuple[str, str]] = ()
    kind: str = field(default="settings", init=False)


@final
@dataclass(frozen=True)
class Custom:
    """A section that brings its own markup; anchor and title put it into the list of contents."""

    html: Markup
    anchor: str = ""
    title: str = ""
    kind: str = field(default="custom", init=False)

    @classmethod
    def drawn(cls, anchor: str, title: str, figure: Any) -> "Custom":
        """A section with a figure of Matplotlib, which escapes the names in it."""
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg")
        picture = drawn.getvalue()
        told = f"{title}: {'; '.join(_drawn_words(axes) for axes in figure.axes)}"
        named = Markup('<svg role="img" aria-label="{}"').format(told)
        return cls(
            Markup(  # noqa: S704 (see above; anchor and title are ours)
                f'<section class="card" id="{anchor}"><h2>{title}</h2><div class="drawn" tabindex="0" '
                f'role="group" aria-label="{title}">'
                f"{named}{picture[picture.index('<svg') + 4 :]}</div></section>"
            ),
            anchor,
            title,
        )


@final
@dataclass(frozen=True)
class Verdict:
    """The answer in one sentence; `tone` is good, bad or empty, `detail` what decided it."""

    label: str
    sentence: str
    tone: str = ""
    detail: str = ""

    @property
    def parts(self) -> tuple[str, str]:
        """The first sentence, and what follows it.

        Example:
            >>> Verdict("Supported", "All 3.5 agree. None is left.").parts
            ('All 3.5 agree.', 'None is left.')
        """
        first, _, rest = re.sub(r"([.!?]) (?=[A-Z0-9])", "\\1\n", self.sentence, count=1).partition(
            "\n"
        )
        return first, rest


def shown_verdict(stored: Mapping[str, Any] | None) -> Verdict | None:
    """A stored verdict with its answer as the label; None where nothing was judged.

    Example:
        >>> shown_verdict({"answer": "supported", "sentence": "All agree."}).label
        'Supported'
    """
    if not stored:
        return None
    earlier = {True: "supported", False: "contradicted", None: "undecided"}
    answer = stored.get("answer") or earlier[stored["supported"]]
    return Verdict(answer.capitalize(), stored["sentence"], _TONES[answer])


AGREEMENT_TONES = {"agrees": "good", "undecided": "muted", "disagrees": "bad"}
"""How an agreement is coloured."""
_TONES = {"supported": "good", "contradicted": "bad", "undecided": "", "outside": ""}


Section: TypeAlias = Table | Figure | Settings | Custom
"""What stands under another on a page."""


@final
@dataclass(frozen=True)
class Page:
    """A whole page; `styles` and `scripts` name files of this kind of page, after the common ones.

    What was found stands first: the verdict, or the sentence `found` where nothing was judged.
    """

    title: str
    eyebrow: str
    lead: str
    sections: Sequence[Section]
    verdict: Verdict | None = None
    facts: Sequence[tuple[str, str]] = ()
    footer: str = ""
    styles: Sequence[str] = ()
    scripts: Sequence[str] = ()
    version: str = ""
    found: str = ""

    @property
    def terms(self) -> Sequence[Term]:
        """The words that it uses and that have a definition."""
        return terms_in(_text_of(self))

    @property
    def contents(self) -> Sequence[tuple[str, str]]:
        """Anchor and title of every section."""
        named = [s for s in self.sections if s.anchor and s.title]
        return [(section.anchor, section.title) for section in named]


def render_page(page: Page) -> str:
    """The page as one HTML document that opens without a network.

    Cost: 1.5 MB for plotly.js plus the data, of which long ones are compressed.
    """
    templates = page_templates()
    return templates.get_template("page.html.j2").render(
        page=page,
        styles=[_raw(templates, name) for name in ("page.css", *page.styles)],
        plotly=plotly_script(),
        plotly_version=PLOTLY_VERSION,
        scripts=[_raw(templates, name) for name in ("page.js", *page.scripts)],
    )


def page_templates() -> jinja2.Environment:
    """The templates of this folder; every value put into markup is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lazyscope", "report/parts/templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure_json"] = _figure_json
    environment.filters["script_json"] = script_json
    environment.filters["data_script"] = data_script
    environment.filters["raised"] = raised
    environment.filters["tone"] = lambda cell: getattr(cell, "tone", "")
    return environment


def packed(values: Any) -> dict[str, str]:
    """Numbers as base64 single precision, as plotly.js reads them; null becomes NaN.

    Trust: seven digits, 4/3 of 4 bytes a number, against about 20 bytes as text.
    """
    array = np.asarray(values, dtype=float).astype("<f4")
    text = {"dtype": "f4", "bdata": base64.b64encode(array.tobytes()).decode()}
    return text if array.ndim == 1 else {**text, "shape": ", ".join(map(str, array.shape))}


def script_json(value: Any) -> Markup:
    """A value as JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 (escaped just above)


def raised(text: Any) -> Markup:
    """Escaped text in which powers such as m^-1/2 are raised.

    Example:
        >>> raised("falls like m^-1/2, p < 1")
        Markup('falls like m<sup>−1/2</sup>, p &lt; 1')
    """
    shown = re.sub(
        _POWER,
        lambda found: f"<sup>{found[1].strip('()').replace('-', '−')}</sup>",
        str(escape(text)),
    )
    return Markup(shown)  # noqa: S704 (escaped just above)


def data_script(value: Any, attributes: str) -> Markup:
    """A script element with a value as JSON, compressed where it is long.

    The page's script reads both by ``lazyscope.read``; ``data-packed="gzip"`` says which one it is.

    Args:
        value: ready for JSON.
        attributes: of the element, such as ``class="figure-data"``; written as they are.
    """
    text = script_json(value)
    if len(text) < _LONG:
        return Markup(f'<script type="application/json" {attributes}>{text}</script>')  # noqa: S704
    packed_text = base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
    kind = 'type="application/json" data-packed="gzip"'
    return Markup(f"<script {kind} {attributes}>{packed_text}</script>")  # noqa: S704 (base64)


def _drawn_words(axes: Any) -> str:
    """Title, axes and legend of a panel of Matplotlib."""
    legend = axes.get_legend()
    entries = [text.get_text() for text in legend.get_texts()] if legend else []
    ends = f"{axes.get_ylabel()} against {axes.get_xlabel()}".strip()
    words = [axes.get_title(), ends if axes.get_ylabel() and axes.get_xlabel() else ""]
    return ", ".join(word for word in [*words, *entries] if word)


def _text_of(page: Page) -> str:
    """What stands on a page, as far as words of it are looked up."""
    parts = [page.title, page.lead, page.found, page.verdict.sentence if page.verdict else ""]
    parts += [word for fact in page.facts for word in fact]
    for section in page.sections:
        parts.append(section.title)
        if isinstance(section, Table | Figure):
            parts.append(section.caption)
        if isinstance(section, Table):
            parts += section.header
        if isinstance(section, Figure):
            parts += [panel.title for panel in section.panels]
    return " ".join(parts)


def _figure_json(figure: Figure) -> dict[str, Any]:
    layouts = {
        selector.key: {choice.value: dict(choice.layout) for choice in selector.choices}
        for selector in figure.selectors
    }
    return {"panels": [asdict(panel) for panel in figure.panels], "layouts": layouts}


def _raw(templates: jinja2.Environment, name: str) -> Markup:
    loader = templates.loader
    assert loader is not None
    return Markup(loader.get_source(templates, name)[0])  # noqa: S704 (a file of this package)
