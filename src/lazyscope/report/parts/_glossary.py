"""What do the words of a page mean, and where were they defined?

One notation for all pages; a page shows the entries whose words it uses.
"""

import re
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Term:
    """A word of a page: how it is written, what it means, and the paper that it comes from.

    Attributes:
        name: as it is written.
        meaning: its definition with every constant.
        source: authors and year; empty where the word is ours.
        address: of the paper.
        cue: a regular expression that finds it in the text of a page.
    """

    name: str
    meaning: str
    source: str = ""
    address: str = ""
    cue: str = ""


_LI = ("Li, Luo & Zhou 2024", "https://arxiv.org/abs/2404.04859")
_LUO = ("Luo, Xu, Ma & Zhang 2021", "https://arxiv.org/abs/2007.07497")
_JACOT = ("Jacot, Gabriel & Hongler 2018", "https://arxiv.org/abs/1806.07572")
_LEE = ("Lee et al. 2019", "https://arxiv.org/abs/1902.06720")
_CHIZAT = ("Chizat, Oyallon & Bach 2019", "https://arxiv.org/abs/1812.07956")
_CHEN = ("Chen et al. 2023", "https://arxiv.org/abs/2303.06561")
_YANG = ("Yang & Hu 2021", "https://arxiv.org/abs/2011.14522")
_GEIGER = ("Geiger et al. 2020", "https://arxiv.org/abs/1906.08034")

TERMS = (
    Term(
        "κ, the initial scale",
        "The product of the scales α₁, α₂, … of all weight layers. The output at the start has size κ/√m.",
        *_LI,
        cue="κ|kappa",
    ),
    Term(
        "α, the scale of a layer",
        "√m times the standard deviation of the entries of its effective weights; m is the width, a the "
        "exponent of α in it.",
        *_LI,
        cue=r"layer scales?|\bscales\b|α|a₁",
    ),
    Term(
        "ρ",
        "The exponent of κ in the width: κ grows like m to the ρ. 1/2 is NTK scaling, 0 mean field and muP.",
        *_LI,
        cue=r"ρ|\brho\b",
    ),
    Term(
        "γ and γ′",
        "Axes of the plane of two-layer networks: γ = 1 − ρ, and γ′ is half the difference of the exponents "
        "of the relative speeds of layers 2 and 1; with equal rates a₁ − a₂.",
        *_LUO,
        cue=r"γ",
    ),
    Term(
        "relative displacement",
        "The size of the change of a layer's weights over the size of these weights at the start; in "
        "operator norm unless the page says otherwise.",
        *_LEE,
        cue="displacement|moved",
    ),
    Term(
        "exponent",
        "The power of the width (or of κ) that a quantity follows as this grows, with the interval of its "
        "estimate; 95 % unless the page says otherwise.",
        cue="exponent|slope",
    ),
    Term(
        "lazy, order one, condensed",
        "Of a layer, as the width grows: it moves ever less, by its own size, or ever more than its size. "
        "The papers on two layers call the same three linear, critical and condensed.",
        *_LUO,
        cue="lazy|condensed",
    ),
    Term(
        "theta-lazy",
        "Of a network: ρ > 0. The loss falls exponentially, every layer is lazy, and one kernel describes "
        "training, however κ is spread over the layers.",
        *_LI,
        cue="theta-lazy|kappa is spread|spread kappa",
    ),
    Term(
        "tangent kernel",
        "Inner products of the gradients of the outputs with respect to the parameters, weighted by the "
        "layers' speeds.",
        *_JACOT,
        cue="kernel",
    ),
    Term(
        "linearised network",
        "The first-order expansion of the network in its parameters around their start.",
        *_LEE,
        cue="linearis",
    ),
    Term(
        "output scale",
        "A factor α in front of the centred output, with the loss divided by α².",
        *_CHIZAT,
        cue="output scale|scaled outputs|alpha = ",
    ),
    Term(
        "α √m",
        "The variable on which the crossover from lazy to rich of scaled outputs collapses; it is κ.",
        *_GEIGER,
        cue=r"alpha m|α ?√m|α m\^|m\^p",
    ),
    Term(
        "order parameter",
        "How much of the input weights' mass lies in the few heaviest directions: 0 for random weights, 1 "
        "for all of it.",
        *_CHEN,
        cue="order parameter|condensation",
    ),
    Term(
        "muP",
        "The parametrisation in which every layer moves by its own size at every width: ρ = 0 and all "
        "relative speeds alike.",
        *_YANG,
        cue=r"\bmuP\b",
    ),
    Term(
        "virtual width",
        "A width that a narrow network stands for: it is drawn with the scales and trained with the speeds "
        "of the wide one, whose numbers it then has up to its own noise.",
        cue="virtual width",
    ),
    Term(
        "agrees, disagrees, undecided, outside",
        "The interval contains the prediction and is narrow enough to tell; excludes it; is too wide; or the "
        "network does not satisfy what the prediction assumes.",
        cue="agree|undecided|[Vv]erdict",
    ),
)
"""All entries, in the order in which pages show them."""


def terms_in(text: str) -> tuple[Term, ...]:
    """The entries whose words a text uses.

    Example:
        >>> [term.name for term in terms_in("Largest displacement")]
        ['relative displacement']
    """
    return tuple(term for term in TERMS if re.search(term.cue, text))
