"""What ``doctor`` looks for is what the package says that it can need."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from midspec.experiment.doctor import EXTRAS


def test_every_extra_is_known_with_all_of_its_packages() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {name: {re.split("[><=\\[]", one)[0].replace("-", "_") for one in needs} - {"midspec"}
              for name, needs in project["optional-dependencies"].items() if name != "dev"}
    assert {name: set(modules) for name, modules in EXTRAS.items()} == wanted
