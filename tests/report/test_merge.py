"""Two studies on one page keep their numbers, checks and labels, each under its study's name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.conftest import study

from midspec.core.errors import DataError
from midspec.report.checks import checked
from midspec.report.merge import merged
from midspec.report.reader import reader_errors
from midspec.report.study import CheckLine, LabelledAnswer


def test_checks_and_labels_stay_with_their_arms() -> None:
    line = CheckLine(words="holds", eval="choice", reading="letter", arms=("aft", "msm"), at_least=0, above="untouched")
    one = replace(study(), checks=(line,), labelled=(LabelledAnswer(arm="aft", axis="x", label="own", found="other"),))
    both = merged(one, replace(one, name="again"))
    alone, (first, second) = checked(one)[0], checked(both)
    assert [v.arm for v in first.values] == ["reasons: aft", "reasons: msm"]
    assert [v.arm for v in second.values] == ["again: aft", "again: msm"]
    assert [v.value for v in first.values] == [v.value for v in second.values] == [v.value for v in alone.values]
    assert [row.arm for row in reader_errors(both.labelled)] == ["reasons: aft", "again: aft", "all arms"]


def test_one_name_for_two_studies_is_refused() -> None:
    with pytest.raises(DataError, match="both experiments are called"):
        merged(study(), study())
