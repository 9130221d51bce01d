"""Where does neural-tangents run? In an environment of its own, built at first use.

It is archived and does not import on a current JAX, so the peers in these benchmarks are separate
processes: ``python benchmarks/peer_environment.py`` builds the environment and prints its interpreter.
"""

import subprocess
import sys
import venv
from pathlib import Path

ENVIRONMENT = Path(__file__).parent / ".env-neural-tangents"
PACKAGES = (
    "jax==0.4.23",
    "jaxlib==0.4.23",
    "scipy==1.12.0",
    "numpy<2",
    "frozendict",
    "typing_extensions",
)
PEER = "neural-tangents==0.6.5"


def peer_python() -> Path:
    """The interpreter of the environment; builds it where it is missing or incomplete."""
    python = ENVIRONMENT / "bin" / "python"
    if not (python.exists() and _complete(python)):
        venv.create(ENVIRONMENT, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True, stdout=sys.stderr)
        # Without its dependencies: TensorFlow is only used by a part that is not timed here.
        subprocess.run([*pip, "--no-deps", PEER], check=True, stdout=sys.stderr)
    return python


def _complete(python: Path) -> bool:
    probe = (
        "import jaxlib, scipy, frozendict, importlib.metadata as m; m.version('neural-tangents')"
    )
    return subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    print(peer_python())
