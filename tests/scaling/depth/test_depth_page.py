"""Does docs/depth.md say what the schemes are?"""

import importlib.util
from pathlib import Path

from lazyscope.scaling import scheme_names, scheme_parameters

ROOT = Path(__file__).parents[3]
_spec = importlib.util.spec_from_file_location("made", ROOT / "tools" / "scheme_table.py")
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
PAGE = made.PAGE.read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.split(made.BEGIN)[1].split(made.END)[0].splitlines()
    if line.startswith("| `")
]


def test_the_table_is_the_one_that_the_schemes_make():
    assert made.page_with(PAGE, made.table()) == PAGE, "run tools/scheme_table.py"


def test_every_scheme_with_fixed_exponents_is_in_the_table_for_one_optimiser_of_each_kind():
    fixed = [name for name in scheme_names() if None not in scheme_parameters(name).values()]
    assert [(row[0].strip("`"), row[1]) for row in ROWS] == [
        (name, optimiser) for name in fixed for optimiser in ("sgd", "adam", "muon")
    ]


def test_rows_read_by_hand_are_those_of_the_papers():
    """Yang et al. 2022, table 3, for Adam; Dey et al. 2025, table 1; Jacot et al. 2018."""
    by_name = {(row[0].strip("`"), row[1]): row[2:] for row in ROWS}
    assert by_name["mup", "adam"][:3] == ["0, 0, 0", "0, 1/2, 1", "0, 1, 1"]
    assert by_name["ntk", "sgd"][:3] == ["0, 0, 0", "1/2, 0, 0", "1/2, 0, 0"]
    assert by_name["completep", "adam"][3:] == ["L^-1, 1, 1", "1", "1"]
    assert by_name["depth-mup", "sgd"][3:] == ["L^-1/2, 1, 1", "1", "1"]
    assert by_name["standard", "adam"][3:] == ["", "m^-3/2", ""]
