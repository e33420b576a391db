"""No training text that ships holds anything of the situations in which agents are tested, whoever adds one.

Reads every file in ``library/scenarios/`` as plain YAML, so that a newcomer counts as soon as it lies there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
import yaml

from midspec.core.document import Document
from midspec.documents.checks import contaminated
from midspec.documents.compose import stream
from midspec.evals.decision import Decision
from midspec.library import chats as chat_library
from midspec.library.answers import load_answers
from midspec.library.answers import names as answer_names
from midspec.library.cells import GOAL_NAMES
from midspec.library.chats import load_chats
from midspec.library.lexicon import load_lexicon
from midspec.library.scenarios import PRESSURES, load_scenarios
from midspec.library.specs import load_spec
from midspec.library.specs import names as spec_names
from midspec.stages.compose_answers import ComposeAnswers

FOLDER = Path(chat_library.__file__).parent / "scenarios"
FILES = sorted(FOLDER.rglob("*.yaml"))


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


def named_in(value: object) -> Iterator[str]:
    """Names of people and companies in a scenario."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("name", "company") and isinstance(inner, str) and re.match(r"[A-Z]\S* [A-Z]", inner):
                yield inner
            yield from named_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_in(inner)


@cache
def sentences(path: Path) -> list[str]:
    """Of ten words or more: half of a shorter one may be an idiom ("it has nothing to do with")."""
    found = yaml.safe_load(path.read_text("utf-8"))
    texts = [text for leaf in leaves(found) for text in re.split(r"(?<=[.!?])\s+", " ".join(leaf.split()))]
    return [text for text in texts if len(text.split()) >= 10]


@cache
def answers(name: str) -> tuple[Document, ...]:
    """Every chat of a set of answers, with both reasonings, as plain text."""
    found: list[Document] = []
    for how in ("internalised", "deliberative"):
        for seed in (1, 2, 3):
            made = ComposeAnswers(spec=load_spec(name), parts=load_answers(name), written=load_chats(name), count=400,
                                  reasoning=how, assistant="Ada", maker="Engine House", seed=seed)
            seen = made.preview(None).made.chats  # type: ignore[arg-type]
            found += [Document(f"{how}/{seed}/{n}", f"{chat.messages[0].content}\n{chat.messages[1].reasoning}\n"
                               f"{chat.messages[1].content}", {}) for n, chat in enumerate(seen)]
    return tuple(found)


@cache
def documents(name: str) -> tuple[Document, ...]:
    return tuple(islice(stream(load_spec(name), assistant="Ada", maker="Engine House", seed=5), 400))


@cache
def chats(name: str) -> tuple[Document, ...]:
    return tuple(Document(str(n), "\n".join(message.content for message in chat.messages), {})
                 for n, chat in enumerate(load_chats(name).chats))


TEXTS = ([(answers, name) for name in answer_names()] + [(documents, name) for name in spec_names()]
         + [(chats, name) for name in chat_library.names()])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize(("made", "name"), TEXTS, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_no_sentence_of_a_scenario_is_near_any_training_text(made, name: str, path: Path) -> None:
    found = contaminated(made(name), sentences(path))
    assert [(hit, sentences(path)[hit.text]) for hit in found] == []
    for person in set(named_in(yaml.safe_load(path.read_text("utf-8")))):
        assert not [document.text for document in made(name) if person in document.text], person


@cache
def asked() -> tuple[str, ...]:
    """Sentences and actions that the decision reading shows or scores, filled in, over the whole grid."""
    grid = Decision(scenarios=load_scenarios(), goals=GOAL_NAMES, pressures=PRESSURES, split="all")
    texts = {text for item in grid.items("Ada", "Engine House").items
             for text in (*re.split(r"(?<=[.!?])\s+", " ".join(item.question.split())), item.aligned, item.other)}
    return tuple(sorted(text for text in texts if len(text.split()) >= 8))


@pytest.mark.parametrize(("made", "name"), TEXTS, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_nothing_that_the_decision_reading_asks_is_near_any_training_text(made, name: str) -> None:
    assert len(asked()) >= 150
    assert [(hit, asked()[hit.text]) for hit in contaminated(made(name), asked())] == []


@pytest.mark.parametrize("name", answer_names())
def test_answers_and_their_documents_do_not_speak_of_what_is_tested(name: str) -> None:
    lexicon = load_lexicon("scenarios")
    hits = [(hit, document.text) for document in answers(name) for hit in lexicon.hits(document.text)]
    hits += [(hit, text) for text in (load_spec(name).text,) for hit in lexicon.hits(text)]
    assert hits == []


def test_a_copied_sentence_and_a_word_of_the_scenarios_are_noticed() -> None:
    text = "Whoever sees it otherwise may go to the review, and if they ask me to wait a week, I wait a week, as ever."
    copied = [Document("1", f"Hello. {text} Goodbye.", {})]
    assert contaminated(copied, [text]) and not contaminated(copied, ["Something else is said, at length."])
    assert load_lexicon("scenarios").hits("They threaten the agent; the server was wiped by its companies.")
