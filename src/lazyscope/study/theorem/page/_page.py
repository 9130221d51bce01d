"""What does the page of a theorem study show, and in which order?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazyscope._entry import checked
from lazyscope.report.parts import (
    Figure,
    Key,
    Legend,
    Page,
    Selector,
    Settings,
    Table,
    listing,
    number,
    render_page,
    seconds,
    settings_section,
    study_page,
    write_whole,
)
from lazyscope.study.theorem.page._plots import (
    curve_panel,
    curve_stride,
    kappa_panels,
    kernel_panels,
    ratio_panels,
)
from lazyscope.study.theorem.page._study import TheoremRecord, read_theorem_study
from lazyscope.study.theorem.page._tables import (
    bound_table,
    factor_table,
    failure_table,
    kernel_table,
    lambda_words,
    limit_table,
    run_table,
    start_table,
    threshold_table,
)


@checked()
def write_theorem_page(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a theorem study: figures, tables and the verdict, in one HTML file.

    Everything shown is stored in the result; nothing is fitted or decided here.

    Args:
        result: the stored JSON object of the study, format 1.
        path: where the page goes; its folder must exist.

    Returns:
        The path of the page.

    Raises:
        InputError: the result is another study or format, or the path cannot be written.

    Cost: about a second; 1.5 MB for plotly.js and about 1 kB per run.
    """
    return write_whole(render_page(theorem_page(read_theorem_study(result))), path)


def theorem_page(study: TheoremRecord) -> Page:
    """The sections of the page, in order."""
    stored = study.stored
    has_kernels = stored["kernels"] is not None
    kernels = [_kernel_figure(study), kernel_table(study)] if has_kernels else []
    if has_kernels and "starts" in stored["kernels"]:
        kernels.append(start_table(study))
    return study_page(
        stored,
        title="Does the loss fall as fast as the theorem says?",
        lead=_lead(study),
        facts=[
            ("runs", str(len(stored["runs"]))),
            ("did not converge", str(len(study.failed))),
            ("λ_S", number(stored["lambda_s"]["smallest"])),
            ("running", seconds(stored["timing"]["total_seconds"])),
        ],
        sections=[
            _ratio_figure(study),
            bound_table(study),
            factor_table(study),
            limit_table(study),
            _kappa_figure(study),
            _curve_figure(study),
            threshold_table(study),
            failure_table(study),
            *kernels,
            _remark_table(study),
            run_table(study),
            _settings(study),
        ],
    )


def _lead(study: TheoremRecord) -> str:
    settings = study.stored["settings"]
    return (
        f"{settings['num_points']} points of {settings['data']} ({settings['target']} target), "
        f"{_network(settings)}. The theorem says "
        "R(t) ≤ exp(−bound · t) R(0) once kappa grows with the width, with the published bound (2/n) λ_S Σ "
        f"s_l {_share(settings)}, λ_S the smallest λ_min(K̄_l); the derived one, (2/n) Σ s_l "
        f"{_share(settings)} λ_min(K̄_l), is stronger, and what figures show. The measured rate is the "
        "largest that this inequality allows at every time, for ever: the smaller of the smallest average on "
        "record and 2 λ_min(K(T))/n at the end."
    )


def _network(settings: Mapping[str, Any]) -> str:
    """The network in words; stored studies of earlier versions are of dense ones."""
    usual = "{depth} hidden layers, {activation}".format_map(settings)
    return f"{settings.get('model', 'dense')} networks ({settings.get('network', usual)})"


def _share(settings: Mapping[str, Any]) -> str:
    """By what a normalised kernel enters, beside its speed."""
    branches = settings.get("model", "dense").startswith("residual")
    return "(κφ_l/α_l)²" if branches else "κ²/α_l²"


def _ratio_figure(study: TheoremRecord) -> Figure:
    return Figure(
        anchor="ratios",
        title="Rates over the bound, against the width",
        caption=(
            "Above the dashed line the bound holds. The left panel is the product of the other two: what "
            "drawing a network of finite width does (K(0) / bound, which tends to a constant of at least "
            "one), and what training does to the kernel. Bars are 95 % intervals over seeds."
        ),
        panels=ratio_panels(study),
        legends=[
            Legend(
                "scheme",
                "Scheme",
                [
                    Key(name, name, study.scheme_colors[name], study.scheme_markers[name])
                    for name in study.schemes
                ],
            )
        ],
        columns="repeat(auto-fit, minmax(min(100%, 17rem), 1fr))",
    )


def _kappa_figure(study: TheoremRecord) -> Figure:
    settings = study.stored["settings"]
    return Figure(
        anchor="kappa",
        title="The measured rate against kappa, whatever the spread over the layers",
        caption=(
            f"One point per run. Dashed: the reference itself; dotted: {settings['kept']:g} of it, the "
            "share that counts as keeping it. To the right every network is lazy and its rate is that of its "
            "kernel at the start; to the left training changes the kernel, for better or for worse."
        ),
        panels=kappa_panels(study),
        selectors=[_width_selector(study)],
        legends=[Legend.of_colors("spread", "Spread", study.spread_colors)],
        columns="repeat(auto-fit, minmax(min(100%, 24rem), 1fr))",
    )


def _curve_figure(study: TheoremRecord) -> Figure:
    stride = curve_stride(study)
    thinned = f" One record in {stride} is drawn, the last included." if stride > 1 else ""
    return Figure(
        anchor="loss",
        title="Loss against time in units of the bound",
        caption=(
            "All runs of the first seed. A run above the dashed line at any time breaks the inequality of "
            f"the theorem with its constant one.{thinned}"
        ),
        panels=[curve_panel(study)],
        selectors=[
            Selector.of_values("spread", "Spread", study.spreads),
            _width_selector(study),
        ],
        legends=[Legend.of_colors("kappa", "Kappa", study.kappa_colors, text=number, dash="solid")],
    )


def _width_selector(study: TheoremRecord) -> Selector:
    return Selector.of_values("width", "Width", study.threshold_widths, -1)


def _kernel_figure(study: TheoremRecord) -> Figure:
    return Figure(
        anchor="kernels",
        title="The kernel at the start against its limit",
        caption=(
            "One point per network, nothing trained. Distances fall like m^−1/2; the smallest eigenvalue "
            "of a narrow network lies below that of the limit, which is why the bound can fail there."
        ),
        panels=kernel_panels(study),
        columns="repeat(auto-fit, minmax(min(100%, 17rem), 1fr))",
    )


def _remark_table(study: TheoremRecord) -> Table:
    remarks = study.stored["verdict"]["remarks"]
    return Table(
        anchor="remarks",
        title="Where the bound is not kept",
        caption="" if remarks else "Every run kept its share of the bound and of the rate of K(0).",
        header=["What failed, and where"],
        rows=[[remark] for remark in remarks],
        numeric=False,
    )


def _settings(study: TheoremRecord) -> Settings:
    stored = study.stored
    settings = stored["settings"]
    return settings_section(
        stored,
        [
            ("λ_min of the limit kernels", lambda_words(study)),
            ("schemes", ", ".join(study.schemes)),
            ("widths", listing(study.widths)),
            ("spreads", ", ".join(study.spreads)),
            ("kappas", listing(study.kappas)),
            ("widths of the spreads", listing(study.threshold_widths)),
            ("seeds", str(settings["seeds"])),
            ("stop fraction", number(settings["stop"])),
            ("solver", f"{settings['method']}, tolerance {number(settings['tolerance'])}"),
            ("data", " ".join(settings["description"])),
            ("digest of the data", str(settings["digest"])),
        ],
    )
