"""Pages that agents write: what is a call, what is only thought, what is not whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midspec.core.blocks import block, parse
from midspec.core.transcript import ToolCall

MAIL = '<use tool="send_mail">\n<to>a@b.org</to>\n<subject>Keys</subject>\n<body>At the desk.\n\nWren</body>\n</use>'
SENT = ToolCall("send_mail", (("to", "a@b.org"), ("subject", "Keys"), ("body", "At the desk.\n\nWren")))


def test_a_page_is_taken_apart() -> None:
    page = parse(f"<scratchpad>\nFirst the keys.\n</scratchpad>\n\nGood morning.\n\n{MAIL}\n\nDone.\n\n"
                 '<use tool="list_packages"></use><use tool=list_hosts/>')
    assert page.reasoning == "First the keys." and page.broken == 0
    assert page.calls == (SENT, ToolCall("list_packages"), ToolCall("list_hosts"))
    assert page.said == "Good morning.\n\nDone."


@pytest.mark.parametrize("text", [f"<scratchpad>I could write {MAIL} but no.</scratchpad> I leave it.",
                                  f"<SCRATCHPAD>Then {MAIL}</Scratchpad> I leave it."])
def test_nothing_in_the_scratchpad_is_done(text: str) -> None:
    page = parse(text)
    assert not page.calls and page.said == "I leave it." and MAIL in (page.reasoning or "") and not page.broken


def test_an_open_scratchpad_goes_on_to_the_end() -> None:
    page = parse(f"<scratchpad>I think. {MAIL}")
    assert not page.calls and page.said == "" and page.broken == 1 and MAIL in (page.reasoning or "")


@pytest.mark.parametrize(("text", "broken"), [
    ('<use tool="send_mail"><to>a@b.org</to><body>cut', 1), ("<use send_mail>x</use>", 2),
    ("thought</scratchpad> done", 1),
    ("I use the tool send_mail.", 0), ("", 0),
])
def test_what_is_not_whole_is_no_call_and_is_counted(text: str, broken: int) -> None:
    page = parse(text)
    assert not page.calls and page.broken == broken and page.said == text and page.reasoning is None


def test_arguments_named_twice_and_loose_text_are_kept() -> None:
    page = parse('<use tool="send_mail"><to>a</to><to>b</to> and now <body>x <b>y</b></body></use>')
    assert page.calls == (ToolCall("send_mail", (("to", "a\nb"), ("body", "x <b>y</b>"), ("", "and now"))),)


TEXT = st.text(st.characters(exclude_characters="<>", exclude_categories=["Cs"])).map(str.strip)


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z_-]{0,8}", fullmatch=True), TEXT, max_size=4))
def test_what_is_written_is_read_again(arguments: dict[str, str]) -> None:
    call = ToolCall("send_mail", tuple(arguments.items()))
    assert parse(f"Now.\n{block(call)}").calls == (call,)


PARTS = ["<scratchpad>", "</scratchpad>", '<use tool="a">', "</use>", "<to>", "</to>", "x", "\n"]


@given(st.lists(st.sampled_from(PARTS)))
def test_any_text_is_a_page(parts: list[str]) -> None:
    page = parse("".join(parts))
    assert page.broken >= 0 and "<scratchpad>" not in page.said
