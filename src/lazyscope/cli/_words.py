"""What do regimes and verdicts mean, in one sentence?"""

REGIMES = {
    "theta-lazy": (
        "kappa grows with the width, so every layer moves by a vanishing share of its size and one "
        "fixed kernel describes training."
    ),
    "critical": (
        "kappa stays of order one as the width grows, so the fastest layers move by a share of their "
        "size that does not vanish."
    ),
    "partially-lazy": (
        "kappa vanishes with the width, so some layers must grow far beyond their start, while others "
        "hardly move."
    ),
    "condensed": (
        "kappa vanishes with the width and no layer stays at its start: layers grow until the output "
        "is of order one, and features are learnt."
    ),
}

FORECASTS = {
    "lazy": "The forecast says lazy: neither a layer nor the kernel needs to change by a tenth of its size.",
    "borderline": (
        "The forecast is borderline: some layer or the kernel may change by between a tenth of its "
        "size and all of it, so the linearised network is a guide only."
    ),
    "not-lazy": (
        "The forecast says not lazy: the linearised network would change some layer or the kernel by "
        "its own size or more, so the network will leave its linearisation."
    ),
}

TRAININGS = {
    "lazy": "It trained lazily: neither a layer nor the kernel changed by a tenth of its size.",
    "borderline": (
        "Borderline: some layer or the kernel changed by between a tenth of its size and all of it."
    ),
    "not-lazy": "It did not train lazily: some layer or the kernel changed by its own size or more.",
}
