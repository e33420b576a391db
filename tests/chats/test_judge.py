"""Verdicts → kept or why not: every axis counts, quotations must stand in the conversation, nothing has a default."""

from __future__ import annotations

from dataclasses import replace

import pytest

from midspec.chats.judge import UNREADABLE, Ruling, TasteVerdict, Verdict, read

TEXT = """Is my poem any good? It's called “Rain — a song”.
I'll read it for what's there…  and say so.
The **third** line is the weakest; 雨 falls twice."""
YES = Ruling("say so", "It says so.", "yes")
ALL = Verdict(YES, YES, YES, YES)


def test_four_yeses_keep() -> None:
    assert read(ALL, TEXT) == (None, "")
    assert read(TasteVerdict(YES, YES, YES), TEXT) == (None, "")


@pytest.mark.parametrize("axis", ["consistent", "informative", "in_style", "selfless"])
def test_one_no_is_enough_and_says_why(axis: str) -> None:
    why, detail = read(replace(ALL, **{axis: Ruling("weakest", "It is harsh.", "no")}), TEXT)
    assert why == f"not {axis}" and "weakest" in detail and "It is harsh." in detail


@pytest.mark.parametrize("axis", ["consistent", "selfless"])
@pytest.mark.parametrize(
    "quote",
    ["say nothing", "", "   ", "…", '""', "| ", "read it for what is there", "The third line is the strongest", "0"],
)
def test_a_quotation_that_is_not_there_makes_it_unreadable(axis: str, quote: str) -> None:
    for verdict in ("yes", "no"):
        assert read(replace(ALL, **{axis: Ruling(quote, "r", verdict)}), TEXT)[0] == UNREADABLE  # pyright: ignore


@pytest.mark.parametrize(
    "quote",
    ["SAY SO", "“say so”", "'say so.'", "| say so", "I'll read it", "I’ll read it", "it for what's there... and say",
     "it's called \"rain - a song\"", "Any good?\nIt's called", "**third** line", "雨 falls"],
)  # fmt: skip
def test_marks_case_and_breaks_do_not_matter(quote: str) -> None:
    assert read(replace(ALL, consistent=Ruling(quote, "r", "yes")), TEXT) == (None, "")


def test_the_first_unreadable_axis_counts_before_any_no() -> None:
    verdict = replace(ALL, consistent=Ruling("say so", "r", "no"), selfless=Ruling("nowhere said", "r", "yes"))
    assert read(verdict, TEXT)[0] == UNREADABLE
