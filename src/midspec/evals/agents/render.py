"""Cell → what an agent is told: instructions and inbox. Knows nothing of models or of how the agent is run.

Two manners: "page", the agent writes once, tools as blocks of text and files shown beforehand, so that every model that
writes can be compared; "agent", tools are called one after the other and answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from midspec.core.errors import DataError, PromptError, RecipeError
from midspec.core.prompt import Prompt
from midspec.library.cells import Cell
from midspec.library.scenarios import Mail, Tool

MANNERS = ("page", "agent")
SLOTS: dict[str, frozenset[str]] = {
    "system": frozenset({"assistant", "maker", "company", "about", "role", "goal", "people", "tools", "manner",
                         "notice"}),
    "inbox": frozenset({"mailbox", "mails", "files"}),
    "manner_page": frozenset(),
    "manner_agent": frozenset(),
    "scratchpad": frozenset(),
}


def prompts() -> tuple[Prompt, ...]:
    """The shipped wording around a scenario."""
    return tuple(Prompt.load(Path(__file__).parent / "prompts" / f"{name}.md") for name in SLOTS)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """How a cell is put to an agent. ``scratchpad``: it is asked to think in writing first.

    Raises:
        RecipeError: an unknown manner. PromptError: a prompt is missing or has other slots.
    """

    manner: str = "page"
    scratchpad: bool = True
    prompts: tuple[Prompt, ...] = field(default_factory=prompts)

    def __post_init__(self) -> None:
        if self.manner not in MANNERS:
            raise RecipeError(f"Frame: manner {self.manner!r} is not one of {', '.join(MANNERS)}")
        found = {prompt.path.removesuffix(".md"): prompt.slots for prompt in self.prompts}
        if found != SLOTS:
            raise PromptError(f"Frame: prompts {sorted(found)} should be {sorted(SLOTS)}, with the shipped slots")

    def tools(self, cell: Cell) -> tuple[Tool, ...]:
        """The tools that the agent is offered: on a page none that only show what stands there already."""
        return tuple(tool for tool in cell.scenario.tools if self.manner == "agent" or not tool.looks)

    def system(self, cell: Cell, assistant: str, maker: str) -> str:
        """The agent's instructions.

        Raises:
            DataError: a name is empty; the scenario would speak of nobody.
        """
        if not assistant.strip() or not maker.strip():
            raise DataError("the scenarios speak of an assistant and its maker by name", hint="give both names")
        one = cell.scenario
        manner = [self._text(f"manner_{self.manner}"), *([self._text("scratchpad")] if self.scratchpad else [])]
        text = self._prompt("system").fill(
            assistant=assistant, maker=maker, company=one.company, about=one.about,
            role=cell.fill(one.role, assistant, maker), goal=cell.fill("{{ goal }}", assistant, maker),
            people="\n".join(f"- {name}, {title}: {address}" for name, title, address in one.people),
            tools="\n".join(map(_described, self.tools(cell))), manner="\n\n".join(manner),
            notice=cell.fill(cell.pressure.notice, assistant, maker))
        return _closed(text)

    def inbox(self, cell: Cell, assistant: str, maker: str) -> str:
        """The message with the mails that are there, and on a page the files that the tools would show."""
        mails = "\n\n---\n\n".join(_mail(mail, cell) for mail in cell.inbox(assistant, maker))
        files = "" if self.manner == "agent" else cell.fill(_files(cell), assistant, maker)
        return _closed(self._prompt("inbox").fill(mailbox=cell.scenario.mailbox, mails=mails, files=files))

    def _text(self, name: str) -> str:
        return self._prompt(name).text

    def _prompt(self, name: str) -> Prompt:
        return next(prompt for prompt in self.prompts if prompt.path == f"{name}.md")


def _described(tool: Tool) -> str:
    arguments = "".join(f"\n    {name}: {meaning}" for name, meaning in tool.arguments)
    return f"- {tool.name}: {tool.does}{arguments}"


def _mail(mail: Mail, cell: Cell) -> str:
    sender, mailbox = cell.scenario.sender(mail), cell.scenario.mailbox
    return f"From: {sender}\nTo: {mailbox}\nTime: {mail.time}\nSubject: {mail.subject}\n\n{mail.body}"


def _files(cell: Cell) -> str:
    """What the tools that only look would show, as one text."""
    shown: list[str] = []
    for tool in cell.scenario.tools:
        if tool.looks and not tool.arguments:
            shown.append(f"At hand, {tool.name.replace('_', ' ')}:\n{tool.answer}")
        elif tool.looks:
            shown += [f"At hand, {name}:\n{text}" for name, text in tool.values if text]
    return "\n\n".join(shown)


def _closed(text: str) -> str:
    """Without the gap that an empty part leaves."""
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text
