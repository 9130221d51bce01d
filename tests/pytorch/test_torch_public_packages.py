"""Does the coordinate check take networks of public packages as they are?"""

import pytest
from benchmarks.public_networks import NETWORKS, checked

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
READOUTS = {"GPT-2": [], "Llama": ["lm_head.weight"], "ResNet": [], "ViT": ["head.weight"]}
SAID = {
    "GPT-2": "transformer.wte.weight is used at both ends",
    "ResNet": "Batch norm is in training mode",
}


@pytest.mark.parametrize("name", READOUTS)
def test_one_rate_under_adamw_is_not_mup_in_networks_of_public_packages(name):
    public = NETWORKS[name]
    pytest.importorskip(public.package, exc_type=ImportError)
    check = checked(public._replace(widths=public.widths[:3]))
    assert check.verdict("mup")["answer"] == "contradicted"
    assert [each.name for each in check.arrays if each.kind == "readout"] == READOUTS[name]
    assert SAID.get(name, "") in " ".join(check.notes)
    if READOUTS[
        name
    ]:  # weights of one size, 0.02, at every width: the readout reads sqrt(m) times m^1/2
        low, high = check.exponents.kappa.interval
        assert low - 0.15 < 1 < high + 0.15
    matrices = [each for each in check.arrays if each.matrix and each.kind == "hidden"]
    assert matrices
    assert {each.optimiser for each in matrices} == {"adam"}


def test_resnet_18_is_judged_along_its_depth():
    public = NETWORKS["ResNet-18"]
    pytest.importorskip(public.package, exc_type=ImportError)
    check = checked(public)
    assert check.sentence.startswith("Along the axis depth")
    assert "layer*.*.conv*.weight" in [each.name for each in check.arrays]
    assert SAID["ResNet"] in " ".join(check.notes)
