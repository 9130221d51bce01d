"""What is one valid call of everything public of claims and pages?"""

from contract.valid.objects import (
    checked_claims,
    claim,
    claim_record,
    condensed,
    kappa_result,
    planes,
    record,
)
from lazyscope import claims, measure, observe
from report.synthetic_studies import synthetic_output_scale


def calls(folder):
    """Keyword arguments by ``room.name``; `folder` is empty and can be written."""
    runs, estimates = planes()
    page = folder / "page.html"
    return {
        "claims.Claim": {
            "name": "named",
            "source": "a paper",
            "statement": "this",
            "check": lambda effort: (),
            "section": "results",
            "check_on": None,
            "rows": (),
        },
        "claims.Finding": {
            "name": "row",
            "claim": "1 < 2",
            "prediction": 1.0,
            "measured": measure.Estimate(1.0, 0.9, 1.1),
            "verdict": "agrees",
            "basis": "nothing",
            "expected": "agrees",
            "note": "",
            "details": {},
            "command": "",
        },
        "claims.Row": {
            "name": "row",
            "prediction": -0.5,
            "rule": claims.Rule.number(),
            "design": {"seeds": 4},
            "expected": "agrees",
            "noise": {},
        },
        "claims.Rule": {
            "kind": "number",
            "floor": None,
            "ceiling": None,
            "resolution": 0.125,
            "accuracy": 0.0,
            "words": "",
        },
        "claims.RunSettings": {"effort": "quick", "data": None, "code": "0"},
        "claims.all_of": {"verdicts": ("agrees", "outside")},
        "claims.check_claim": {
            "claim": claim(),
            "settings": claims.RunSettings("quick", None, "0"),
        },
        "claims.check_claims": {
            "claims": (claim(),),
            "folder": folder,
            "effort": "quick",
            "data": None,
            "fresh": False,
        },
        "claims.expectations": {"claims": (claim(),)},
        "claims.counts": {"records": (claim_record(),)},
        "claims.is_sound": {"records": (claim_record(),)},
        "claims.read_records": {"folder": folder, "effort": "quick"},
        "claims.select_claims": {"claims": (claim(),), "names": ("named",)},
        "claims.share_estimate": {"successes": 3, "trials": 10, "level": 0.95},
        "claims.under_assumptions": {"verdict": "agrees", "assumptions": {"rho > 0": True}},
        "claims.validation": {
            "claims": (claim(),),
            "records": {"named": claim_record()},
            "effort": "quick",
        },
        "study.draw_coordinate_check": {"result": {}},
        "study.draw_predicted_loss": {"result": {}},
        "study.write_narrow_proxy_page": {"result": {}, "path": folder / "proxy.html"},
        "study.draw_crossover": {
            "record": synthetic_output_scale(),
            "quantity": "displacement",
            "against": "kappa",
        },
        "study.draw_displacement": {"result": kappa_result()},
        "study.draw_forecast": {"result": kappa_result()},
        "study.draw_loss": {"result": kappa_result(), "shape": "balanced", "width": 128},
        "study.draw_map": {"estimates": estimates, "layer": 1},
        "study.draw_order_parameter": {"estimates": condensed()[1], "stage": "final"},
        "study.draw_scaling": {"runs": runs, "estimates": estimates, "cell": (0.25, -0.5)},
        "study.kappa_summary": {"result": kappa_result()},
        "report.summary_sentence": {"summary": checked_claims()["summary"]},
        "report.validation_page": {"validation": checked_claims()},
        "study.write_condensation_page": {
            "runs": condensed()[0],
            "estimates": condensed()[1],
            "path": page,
        },
        "study.write_kappa_page": {"result": kappa_result(), "path": page},
        "study.write_map_page": {"runs": runs, "estimates": estimates, "path": page},
        "report.write_explorer_page": {"path": page},
        "report.write_joined_page": {
            "stored": observe.join_observations({64: record(), 128: record()}).summary(),
            "path": page,
            "title": "Observed",
        },
        "report.write_observation_page": {
            "stored": observe.to_json(record()),
            "path": page,
            "title": "Observed",
        },
        "study.write_output_scale_page": {"result": synthetic_output_scale(), "path": page},
        "study.write_theorem_page": {"result": {}, "path": folder / "theorem.html"},
        "report.write_validation_page": {"validation": checked_claims(), "path": page},
    }
