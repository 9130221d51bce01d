"""What has every study, from its settings to its page?"""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, final

if TYPE_CHECKING:
    import xarray as xr

    from lazyscope._estimate import Answer
    from lazyscope.report.parts import Table
    from lazyscope.sweep import SweepDesign

S = TypeVar("S")
Runs = Mapping[str, "xr.Dataset"]
"""What the stores of a study hold, by the name of the store."""


@final
@dataclass(frozen=True)
class Power:
    """What a study will be able to tell at one size of noise.

    Attributes:
        noise: scatter of log displacements that was assumed.
        supported: how often the verdict is *supported* where the law is exact.
        contradicted: how often it is *contradicted* where the truth is half a step away.
    """

    noise: float
    supported: float
    contradicted: float


class AbstractStudy(abc.ABC, Generic[S]):
    """One question that many runs answer: settings, sweeps, a judgement as data, a page.

    A final subclass stands in the module ``_registered`` of the study's folder, which is how it is found; it
    imports what it needs when it is used, so that a list of studies costs nothing. Its docstring is the
    help of its command: a sentence, then what a user has to know, then examples.

    Attributes:
        name: of the command, of the JSON file, and in it.
        folder: where the command puts its results unless told otherwise; its name where this is empty.
        also: further names of options, by the field that they give; a field's own is always one.
        earlier: names of options that stay until 1.0 and are not shown, by the field that they give.
    """

    name: ClassVar[str]
    folder: ClassVar[str] = ""
    also: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    earlier: ClassVar[Mapping[str, str]] = {}

    @property
    @abc.abstractmethod
    def settings(self) -> type[S]:
        """A frozen dataclass; its fields are the options, its section ``Attributes`` is their help."""

    def given(self, **values: Any) -> S:
        """Settings from some of their fields."""
        return self.settings(**values)

    def decided(self, settings: S) -> S:
        """The settings with what they leave to the data decided, the same for the same data."""
        return settings

    @abc.abstractmethod
    def designs(self, settings: S) -> Mapping[str, "SweepDesign"]:
        """The sweeps to run, by the name of the folder of their store; none where nothing is kept."""

    def look_ahead(self, settings: S) -> None:
        """Refuse what its runs could not decide, or warn of a part of it, before any of them is made."""

    def power(self, settings: S) -> Sequence[Power]:
        """What the runs of decided settings will be able to tell, before any is made; none if not known."""
        return ()

    @abc.abstractmethod
    def judge(self, settings: S, runs: Runs) -> dict[str, Any]:
        """Everything that the page and the command say, ready for JSON; see `stated` for ``verdict``."""

    def judge_in(self, settings: S, runs: Runs, folder: Path | None) -> dict[str, Any]:
        """`judge` for a study that keeps work of its own in its folder, if there is one."""
        return self.judge(settings, runs)

    @abc.abstractmethod
    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """Write the page of a stored result; nothing is computed that was not stored."""

    def tables(self, result: Mapping[str, Any]) -> Sequence["Table"]:
        """What the command prints above the verdict."""
        return ()

    def words(self, result: Mapping[str, Any]) -> Sequence[str]:
        """Sentences that the command prints between the tables and the verdict."""
        return ()


def stated(
    answer: "Answer", sentence: str, remarks: Sequence[str] = (), **beside: Any
) -> dict[str, Any]:
    """A verdict ready for JSON, with the conclusions that it was made from beside it.

    Returns:
        ``answer``, ``sentence``, ``remarks``, and ``supported``: True, False, or None for other answers.

    Example:
        >>> stated("undecided", "Intervals are too wide.")["supported"] is None
        True
    """
    from lazyscope._estimate import Verdict

    supported = {"supported": True, "contradicted": False}.get(answer)
    return {**Verdict(answer, sentence, tuple(remarks)).as_json(), "supported": supported} | beside


def answer_of(supported: bool | None) -> "Answer":
    """What True, False and None mean as an answer."""
    return "undecided" if supported is None else "supported" if supported else "contradicted"
