"""Is this the stored result of a study, and with which settings was it made?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lazyscope._checks import InputError
from lazyscope.report.parts._page import Page, Section, Settings, shown_verdict


def check_stored(
    result: Mapping[str, Any],
    study: str,
    *,
    formats: Sequence[int] = (1,),
    parts: Sequence[str] = (),
) -> None:
    """Refuse what is no stored result of a study, or not whole.

    Raises:
        InputError: another study, another format, or a part is missing.
    """
    if result.get("study") != study:
        raise InputError(
            f"this page needs the stored result of {'an' if study[0] in 'aeiou' else 'a'} {study} study",
            received=f"study {result.get('study')!r}",
            cause="the result of another command",
            fix=f"give the JSON file that `lazyscope study {study}` wrote",
        )
    if result.get("format") not in formats:
        raise InputError(
            f"the stored result must have format {' or '.join(map(str, formats))}",
            received=f"format {result.get('format')!r}",
            cause="it was written by another version of lazyscope",
            fix="run the study again, or use the version that wrote it",
        )
    missing = [part for part in parts if part not in result]
    if missing:
        raise InputError(
            f"the stored result must have the parts {', '.join(parts)}",
            received=f"no {', '.join(missing)}",
            cause="a file that was cut off or edited",
            fix="run the study again",
        )


def study_page(
    result: Mapping[str, Any],
    *,
    lead: str,
    facts: Sequence[tuple[str, str]],
    sections: Sequence[Section],
    title: str = "",
    detail: str = "",
) -> Page:
    """The page of a stored result, which says itself what it is, what was decided and what made it.

    Args:
        result: the stored result.
        lead: what was run, in words.
        facts: a few numbers with their names.
        sections: figures and tables, in order.
        title: the question, where the result does not hold it.
        detail: what decided the verdict, such as a group of parameters.
    """
    verdict = shown_verdict(result["verdict"])
    version = str(result["lazyscope"])
    return Page(
        title=title or result["title"],
        eyebrow=f"lazyscope, study {result['study']}",
        lead=lead,
        verdict=verdict and replace(verdict, detail=detail),
        facts=list(facts),
        sections=list(sections),
        footer=f"Made by lazyscope {version} from a result stored {result['created']}.",
        version=version,
    )


def settings_section(
    result: Mapping[str, Any], items: Sequence[tuple[str, str]] | None = None
) -> Settings:
    """How a study was made: its settings, the versions, and what makes it and its page again.

    Args:
        result: the stored result.
        items: what to show of the settings; all of them unless given.
    """
    settings = result["settings"]
    if items is None:
        kept = ((k, v) for k, v in settings.items() if k not in ("versions", "command"))
        told = ((k, v) for k, v in kept if v is not None and not (isinstance(v, list) and not v))
        items = [(name.replace("_", " "), str(value)) for name, value in told]
    versions = ", ".join(f"{name} {v}" for name, v in settings.get("versions", {}).items())
    command = settings.get("command", f"lazyscope study {result['study']} --output DIR")
    return Settings(
        "settings",
        "How this was made",
        [*items, ("versions", versions or f"lazyscope {result['lazyscope']}")],
        [
            ("Run the study again (runs that are in its stores are not repeated):", command),
            ("Make this page again from what is stored:", "lazyscope report DIR"),
        ],
    )
