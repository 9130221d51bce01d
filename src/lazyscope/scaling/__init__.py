"""What does a parametrisation say before any network is drawn?

A `Scheme` holds the scale and the speed of every layer as functions of the width. From its
exponents alone follow kappa, the displacement of every layer and the regime.
"""

from lazyscope.scaling._abc_form import AbcForm, from_abc, to_abc
from lazyscope.scaling._catalogue import DEEPEST as DEEPEST
from lazyscope.scaling._catalogue import (
    for_residual_networks,
    named_scheme,
    needs_input_dim,
    prescribes_rates,
    scheme_names,
    scheme_parameters,
)
from lazyscope.scaling._catalogue import scheme_meaning as scheme_meaning
from lazyscope.scaling._decay import epsilon_exponents, weight_decay_exponents
from lazyscope.scaling._equivalence import (
    ArrayTransfer,
    GrowthRole,
    OptimiserName,
    array_transfer,
    start_share,
)
from lazyscope.scaling._law import FanAverageLaw, Law, PowerLaw, ValueAtWidth
from lazyscope.scaling._law import check_virtual_width as check_virtual_width
from lazyscope.scaling._macroscopic import macroscopic_form
from lazyscope.scaling._multiplier import (
    learning_rate_exponents,
    update_multiplier_names,
    with_update_multiplier,
)
from lazyscope.scaling._optimiser import growth_power, update_exponents
from lazyscope.scaling._phase_plane import PhasePoint, phase_point
from lazyscope.scaling._regime import (
    LayerRegime,
    NetworkRegime,
    RegimeReport,
    layer_regimes,
    network_regime,
    regime_report,
)
from lazyscope.scaling._scheme import Scheme
from lazyscope.scaling._transfer import (
    ExponentChanges,
    MultiplierChanges,
    changes_to_lazy,
    changes_to_mup,
    rate_exponent,
)
from lazyscope.scaling.depth._branches import Branches
from lazyscope.scaling.depth._over_depth import (
    DepthAim,
    DepthChanges,
    DepthExponents,
    changes_over_depth,
    depth_exponents,
    with_branches,
)
from lazyscope.scaling.displacement._at_width import (
    displacements_at_width,
    initial_operator_norms,
    law_corrections,
    slowest_correction,
)
from lazyscope.scaling.displacement._displacement import (
    TIE_TOLERANCE,
    displacement_exponents,
    frobenius_displacement_exponents,
    relative_speed_exponents,
)
from lazyscope.scaling.displacement._kernel_change import ActivationKind, kernel_change_exponent
from lazyscope.scaling.displacement._of_updates import (
    update_displacements_at_width,
    update_norms,
)

__all__ = [
    "TIE_TOLERANCE",
    "AbcForm",
    "ActivationKind",
    "ArrayTransfer",
    "Branches",
    "DepthAim",
    "DepthChanges",
    "DepthExponents",
    "ExponentChanges",
    "FanAverageLaw",
    "GrowthRole",
    "Law",
    "LayerRegime",
    "MultiplierChanges",
    "NetworkRegime",
    "OptimiserName",
    "PhasePoint",
    "PowerLaw",
    "RegimeReport",
    "Scheme",
    "ValueAtWidth",
    "array_transfer",
    "changes_over_depth",
    "changes_to_lazy",
    "changes_to_mup",
    "depth_exponents",
    "displacement_exponents",
    "displacements_at_width",
    "epsilon_exponents",
    "for_residual_networks",
    "frobenius_displacement_exponents",
    "from_abc",
    "growth_power",
    "initial_operator_norms",
    "kernel_change_exponent",
    "law_corrections",
    "layer_regimes",
    "learning_rate_exponents",
    "macroscopic_form",
    "named_scheme",
    "needs_input_dim",
    "network_regime",
    "phase_point",
    "prescribes_rates",
    "rate_exponent",
    "regime_report",
    "relative_speed_exponents",
    "scheme_names",
    "scheme_parameters",
    "slowest_correction",
    "start_share",
    "to_abc",
    "update_displacements_at_width",
    "update_exponents",
    "update_multiplier_names",
    "update_norms",
    "weight_decay_exponents",
    "with_branches",
    "with_update_multiplier",
]
