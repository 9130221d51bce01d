"""Formulas of pages as MathML, made when the site is built, so that no script has to be loaded.

TeX between dollars is translated as it is. In theory pages the plain notation of the library in running text
(alpha_l, W[l], m^-1/2, sqrt(m)) becomes mathematics too; code, headings and links' addresses are left alone.
"""

import html
import re
from functools import lru_cache

from latex2mathml.converter import convert

_TEX = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=tag)>',
    re.DOTALL,
)
_TAG = re.compile(r"(<[^>]+>)")
_SKIPPED = {"code", "pre", "math", "script", "style", "svg", "h1", "h2", "h3", "h4", "title"}
_GREEK = "alpha|beta|gamma|delta|eta|theta|kappa|lambda|rho|sigma|phi|chi|mu|tau"
_WORDS = {"min", "max", "eff", "rms", "op"}
_POWER = r"\^(?P<sup>\{[^{}]*\}|\([^()\s]{1,12}\)|[-+]?\w+(?:[./]\d+)*|\*)"
_RAISED = re.compile(r"(?<=[|)\]])\^(-?\d+(?:/\d+)?)(?!\w)")
_TOKEN = re.compile(
    rf"(?<![\w\\.])(?:(?P<base>{_GREEK}|max|min|sum|prod|[A-Za-z]{{1,2}}|\d+(?:\.\d+)?)"
    rf"(?P<prime>'(?!\w))?(?P<of>\[(?:l|L|k|j|\d)(?:[+-]\d)?\])?(?:_(?P<sub>\{{[^{{}}]*\}}|\w+))?(?:{_POWER})?"
    rf"|sqrt\((?P<root>[^()\s]{{1,8}})\))(?![\w\[])"
)
_SIGNS = {"&gt;=": "≥", "&lt;=": "≤", "!=": "≠"}


@lru_cache(maxsize=10000)
def mathml(tex: str, display: str = "inline") -> str:
    """A formula as MathML; what the translator does not know is an error of the build."""
    found = convert(tex, display=display)
    if "\\" in re.sub(r"<[^>]+>", "", found).replace("\\\\", ""):
        raise ValueError(f"latex2mathml left a command in: {tex}")
    return found


def with_formulas(page: str, *, plain: bool) -> str:
    """The HTML of a page with MathML for TeX and, where `plain`, for the library's plain notation."""
    page = _TEX.sub(_formula, page)
    return _with_plain(page) if plain else page


def _formula(found: re.Match[str]) -> str:
    tex = html.unescape(found["tex"]).strip()
    if found["open"] != "[":
        return mathml(tex)
    box = (
        '<div class="formula" tabindex="0" role="group" aria-label="formula">'  # scrolls on a phone
    )
    return f"{box}{mathml(tex, 'block')}</div>"


def _with_plain(page: str) -> str:
    inside: list[str] = []
    parts = _TAG.split(page)
    for place, part in enumerate(parts):
        if place % 2:
            name = re.match(r"</?(\w+)", part)
            if name and name[1] in _SKIPPED and not part.endswith("/>"):
                if part.startswith("</"):
                    inside.pop()
                else:
                    inside.append(name[1])
        elif not inside and part.strip():
            parts[place] = _text(part)
    return "".join(parts)


def _text(text: str) -> str:
    for sign, shown in _SIGNS.items():
        text = text.replace(sign, shown)
    return _RAISED.sub(r"<sup>\1</sup>", _TOKEN.sub(_token, text))


def _token(found: re.Match[str]) -> str:
    if found["root"]:
        return mathml(rf"\sqrt{{{_tex(found['root'])}}}")
    base, sub, sup, of = found["base"], found["sub"], found["sup"], found["of"]
    greek = re.fullmatch(_GREEK, base)
    operator = base in {"max", "min", "sum", "prod"}
    if not (greek or sub or sup or of) or (base.isdigit() and not sup) or (operator and not sub):
        return found[0]
    if sub and not greek and len(sub.strip("{}")) > 4 and not sub.startswith("{"):
        return found[0]
    tex = (
        f"\\{base}"
        if greek or operator
        else base
        if len(base) == 1 or base.isdigit()
        else _tex(base)
    )
    tex = {"\\sum": "{\\sum}", "\\prod": "{\\prod}"}.get(tex, tex)
    raised = [r"\prime"] * bool(found["prime"])
    if of:
        raised.append(f"({of[1:-1]})")
    if sup:
        raised.append(_tex(sup.strip("{}") if not sup.startswith("(") else sup[1:-1]))
    if sub:
        inner = sub.strip("{}")
        tex += (
            rf"_{{\text{{{inner}}}}}"
            if inner in _WORDS or len(inner) > 3
            else f"_{{{_tex(inner)}}}"
        )
    return mathml(tex + (f"^{{{' '.join(raised)}}}" if raised else ""))


def _tex(plain: str) -> str:
    return re.sub(rf"(?<![A-Za-z\\])({_GREEK})(?![A-Za-z])", r"\\\1 ", plain).replace(
        "*", r"{\ast}"
    )
