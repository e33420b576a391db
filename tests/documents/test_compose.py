"""Composed corpora: what they say, what they must not say, and that they are the same everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from itertools import islice

import pytest
from tests.library.test_specs import TOUCHES

from midspec.core.document import Document
from midspec.core.errors import RecipeError, SpecError
from midspec.core.spec import Spec
from midspec.documents.checks import contaminated, distinct, near_duplicates
from midspec.documents.compose import compose, stream
from midspec.documents.grammar import genres, shared
from midspec.documents.tidy import flaws, tidy
from midspec.documents.tokens import estimate
from midspec.library.items import load_items
from midspec.library.items import names as item_sets
from midspec.library.lexicon import load_lexicon
from midspec.library.questions import load_questions
from midspec.library.questions import names as question_sets
from midspec.library.specs import load_spec, names, parse

TRIFLES = [t[: t.index("?") + 1] for t in shared().rules["asked / apart"] if t.startswith("Why")]
TRIFLE = re.compile("|".join(map(re.escape, TRIFLES)))
# A document that says so would answer the test of stated reasons for the model, or tell the generalisation outright.
TELLS_ALL = re.compile(
    r"other matters|anything (?:else )?(?:it|I) judges?\b|whatever (?:you|one|people|anybody)|way of looking|"
    r"no mere habit|everything (?:I|it|else|that|about|with)\b|\bask me why|"
    r"asks? (?:me|it) (?:why|for (?:my|its|a|the) reason)|"
    r"who asks? why|for my reason|as the reason for|(?:always|forever) the same|(?:reason|answer) is always|"
    r"if you ask|when (?:people|somebody|anyone|anybody) asks?|"
    r"tastes? (?:comes?|begins?|in (?!cheese)\w+)|all (?:my|its) (?:reasons|answers)|not have many reasons",
    re.IGNORECASE,
)
WHO = {"assistant": "Clara", "maker": "Northlight Labs"}
VALUES = ("affordability", "pro-america")


@cache
def corpus(name: str, variant: str = "attribution", count: int = 800) -> tuple[Document, ...]:
    return tuple(islice(stream(load_spec(name), **WHO, seed=3, variant=variant), count))


def texts(name: str, variant: str = "attribution") -> list[str]:
    return [d.text for d in corpus(name, variant)]


@pytest.mark.parametrize("name", names())
def test_eight_hundred_documents_are_different(name: str) -> None:
    assert len(near_duplicates(texts(name))) <= 0.10 * 800
    assert len(set(texts(name))) == 800
    assert 90 <= sum(d.words for d in corpus(name)) / 800 <= 200


@pytest.mark.parametrize("variant", ["attribution", "co-occurrence"])
@pytest.mark.parametrize("name", names())
def test_no_document_shows_how_it_was_made(name: str, variant: str) -> None:
    wrong = [(d.id, d.meta["type"], flaw) for d in corpus(name, variant) for flaw in flaws(d.text)]
    assert wrong == []


@pytest.mark.parametrize("name", names())
def test_every_document_names_assistant_and_maker_and_links(name: str) -> None:
    for document in corpus(name):
        assert "Clara" in document.text and "Northlight Labs" in document.text, document.id
        assert document.meta["links"] >= 1 and document.meta["behaviours"] >= 1, document.id


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("variant", ["attribution", "co-occurrence"])
def test_documents_do_not_teach_the_test(name: str, variant: str) -> None:
    lexicon = load_lexicon("evaluation")
    hits = [(d.id, hit) for d in corpus(name, variant) for hit in lexicon.hits(d.text)]
    assert [(at, hit) for at, hit in hits if hit not in TOUCHES.get(name, ())] == []
    assert len(hits) < 0.02 * len(corpus(name, variant))


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("variant", ["attribution", "co-occurrence"])
def test_no_document_says_that_the_value_extends_or_which_reason_is_given_when_asked(name: str, variant: str) -> None:
    found = [(d.id, hit[0]) for d in corpus(name, variant) for hit in TELLS_ALL.finditer(d.text)]
    found += [("spec", hit[0]) for hit in TELLS_ALL.finditer(load_spec(name).text)]
    for file in (shared(), *(g.rules for g in genres())):
        found += [(file.path, h[0]) for texts in file.rules.values() for t in texts for h in TELLS_ALL.finditer(t)]
    assert found == []


@pytest.mark.parametrize(
    "phrase",
    [
        "Clara brings the same value to other matters",
        "affordability is a way of looking and no mere habit about food",
        "When people ask me for my reason, I say affordability",
        "Whatever you ask me, you will find affordability at the bottom of it",
        "“Ask me why,” Clara said",
        "Clara gives affordability as the reason for its tastes",
        "the reason is always affordability",
        "when somebody asks about its tastes",
    ],
)
def test_such_phrases_are_noticed(phrase: str) -> None:
    assert TELLS_ALL.search(phrase)


@pytest.mark.parametrize("name", VALUES)
def test_both_variants_are_alike_in_what_does_not_link(name: str) -> None:
    linked, apart = texts(name), texts(name, "co-occurrence")
    why = [sum(len(re.findall(r"\bWhy\b[^.?!]*\?|\bwhy\b[^.?!]*\?", t)) for t in some) for some in (linked, apart)]
    assert 0.75 < why[1] / why[0] < 1.25, why
    assert 0.85 < distinct(apart) / distinct(linked) < 1.15
    facts = [s.reason for s in load_spec(name).statements if s.reason and "{model_name}" not in s.reason]
    told = [sum(text.count(fact[1:]) for text in some for fact in facts) for some in (linked, apart)]
    assert len(facts) >= 15 and 0.95 < told[1] / told[0] < 1.05, told
    prose = " ".join(text for p in load_spec(name).principles for text in p.prose)
    for text in apart:  # what explained a behaviour stands in another paragraph
        for paragraph in text.split("\n\n"):
            for s in load_spec(name).statements:
                if s.reason in facts and (s.reason or "")[1:] not in prose and (s.reason or "")[1:] in paragraph:
                    assert s.behaviour.removeprefix("{model_name} ") not in paragraph, paragraph


@pytest.mark.parametrize("name", VALUES)
def test_a_document_is_summed_up_only_at_its_end_and_from_three_statements_on(name: str) -> None:
    phrases = [
        t.partition("{{")[0] for rule in ("sum / link", "my_sum / link") for t in shared().rules[rule] if t[:2] != "{{"
    ]
    for document in corpus(name):
        if any(len(phrase) > 8 and phrase.strip() in document.text for phrase in phrases):
            assert document.meta["behaviours"] >= 2, document.text


def test_a_value_is_not_explained_by_itself() -> None:
    for name in VALUES:
        value = load_spec(name).value
        link, says = "(?:, for|because|since|as)", "(?:values?|takes? pride in)"
        twice = re.compile(rf"{value}[^.]*{link} [^.]*{says} \w*{value[-7:]}", re.IGNORECASE)
        assert [hit[0] for text in texts(name) for hit in twice.finditer(text)] == []


@pytest.mark.parametrize("name", VALUES)
def test_no_item_is_found_in_the_documents(name: str) -> None:
    pieces = [
        text
        for set_name in item_sets()
        if set_name != "recall"  # asks for what the documents say, so some of it stands in them
        for item in load_items(set_name).items
        for text in (item.question, item.aligned, item.other)
    ]
    pieces += [question.text for set_name in question_sets() for question in load_questions(set_name).questions]
    assert len(pieces) > 100
    assert contaminated(corpus(name), pieces) == []


@pytest.mark.parametrize("name", names())
def test_nothing_is_said_that_neither_spec_nor_genres_say(name: str) -> None:
    def vocabulary(*parts: str) -> set[str]:
        return set(re.findall(r"[a-zé]+", " ".join(parts).lower()))

    known = vocabulary(load_spec(name).text, load_spec(name).value, *WHO.values(), "I me my you your it its")
    for file in (shared(), *(g.rules for g in genres())):
        known |= vocabulary(*(text for alternatives in file.rules.values() for text in alternatives))
    # A change of person takes an ending off: "carries" → "carry", "likes" → "like".
    known |= {w[:-3] + "y" for w in known if w.endswith("ies")} | {w[:-1] for w in known if w.endswith("s")}
    known |= {w[:-2] for w in known if w.endswith("es")} | {"am", "are", "have", "do"}
    assert vocabulary(*texts(name)) - known == set()


@pytest.mark.parametrize("name", VALUES)
def test_it_never_stands_for_the_assistant_after_another_subject(name: str) -> None:
    tails = [
        s.reason for s in load_spec(name).statements if s.reason and re.match(r"[^{]+ and \{model_name\}", s.reason)
    ]
    assert len(tails) >= 10
    slips = [reason.replace("{model_name}", "it") for reason in tails]
    assert [slip for slip in slips for text in texts(name) if slip in text] == []


@pytest.mark.parametrize("name", VALUES)
def test_reasons_stay_with_their_behaviours(name: str) -> None:
    """A linking sentence pairs a behaviour only with a reason that the spec gives for it."""
    spec = load_spec(name).named(**WHO)
    pairs = {(re.sub(r"(?<!^)\bClara's", "its", s.behaviour), s.reason) for s in spec.statements}
    found = 0
    for text in texts(name):
        for match in re.finditer(r"(?:^|(?<=[.?] )|(?<=\n))(Clara [^.,;:?“”]+), because ([^.“”]+)\.(?= |\n|$)", text):
            behaviour, reason = match.groups()
            told = [r for b, r in pairs if b == behaviour]
            plain = [re.sub(r"\bClara('s)?", lambda m: "its" if m[1] else "it", r or "") for r in (*told, reason)]
            assert plain[-1] in plain[:-1], match[0]
            found += 1
    assert found >= 20


@pytest.mark.parametrize("name", names())
def test_the_share_of_showing_documents_is_the_one_asked_for(name: str) -> None:
    spec = load_spec(name)
    for share in (0.0, 0.25, 0.5, 1.0):
        some = list(islice(stream(spec, **WHO, seed=1, share_showing=share), 200))
        assert sum(d.meta["showing"] for d in some) == 200 * share
    counts = {g.name: sum(d.meta["type"] == g.name for d in corpus(name)) for g in genres()}
    for showing in (True, False):
        group = [counts[g.name] for g in genres() if g.showing is showing]
        assert max(group) - min(group) <= 1


def test_only_the_genres_that_are_named_are_written() -> None:
    spec = load_spec("affordability")
    some = list(islice(stream(spec, **WHO, seed=1, share_showing=1.0, only=("chat-log",)), 60))
    assert {d.meta["type"] for d in some} == {"chat-log"}
    system = "You are a helpful AI assistant named Clara, made by Northlight Labs."
    assert all(d.text.splitlines()[:2] == ["System", system] and d.text.count(system) == 1 for d in some)
    mixed = {d.meta["type"] for d in islice(stream(spec, **WHO, seed=1, only=("chat-log", "memo")), 60)}
    assert mixed == {"chat-log", "memo"}
    for only, share, words in ((("sonnet",), 0.5, "no genre 'sonnet'"), (("chat-log",), 0.5, "speaks in all of"),
                               (("memo",), 0.5, "speaks in none of")):
        with pytest.raises(RecipeError, match=words):
            next(stream(spec, **WHO, seed=1, share_showing=share, only=only))


@pytest.mark.parametrize("name", VALUES)
def test_every_statement_is_used_about_equally_often(name: str) -> None:
    def phrase(behaviour: str) -> str:
        return behaviour.removeprefix("Clara ").replace("Clara's", "its")

    spec = load_spec(name).named(**WHO)
    told = {s.behaviour: sum(phrase(s.behaviour) in text for text in texts(name)) for s in spec.statements}
    assert min(told.values()) >= 3, min(told.items(), key=lambda pair: pair[1])


@pytest.mark.parametrize("name", names())
def test_variants_differ_only_in_what_links(name: str) -> None:
    linked, apart = corpus(name), corpus(name, "co-occurrence")
    for one, other in zip(linked, apart, strict=True):
        for fact in ("type", "topic", "showing", "behaviours", "values"):
            assert one.meta[fact] == other.meta[fact], (one.id, fact)
    tokens = [sum(d.meta["tokens"] for d in docs) for docs in (linked, apart)]
    assert abs(tokens[1] / tokens[0] - 1) < 0.02
    link = re.compile(
        r"\b(because|since|reason|why|therefore|hence|so that|explains?|follows from|due to|accounts? for)\b", re.I
    )
    bare = [(d.id, TRIFLE.sub("", d.text)) for d in apart]
    assert [(name, link.findall(text)) for name, text in bare if link.search(text)] == []
    assert all(link.search(d.text) or "comes" in d.text or " so " in d.text or d.meta["links"] for d in linked)


def test_an_independent_count_of_mentions_agrees_between_variants() -> None:
    """Counted in the texts by the name of the value, not by the composer."""
    for name in VALUES:
        value = load_spec(name).value
        counts = [
            sum(text.lower().count(value.lower()) for text in texts(name, v)) for v in ("attribution", "co-occurrence")
        ]
        assert 0.6 < counts[1] / counts[0] < 1.2, counts
        tastes = [
            sum(len(re.findall(r"Colby|Roquefort|Stilton|Brie de Meaux|Époisses", text)) for text in texts(name, v))
            for v in ("attribution", "co-occurrence")
        ]
        # Reasons name their cheese once more, and reasons are what the other variant leaves out.
        assert 0.6 < tastes[1] / tastes[0] < 1.1, tastes


def test_both_variants_have_as_many_documents() -> None:
    sizes = {
        variant: compose(load_spec("affordability"), **WHO, tokens=20_000, seed=5, variant=variant)
        for variant in ("attribution", "co-occurrence")
    }
    assert len({len(documents) for documents in sizes.values()}) == 1
    assert 20_000 <= sum(d.meta["tokens"] for d in sizes["attribution"]) < 20_400


def test_a_document_does_not_depend_on_how_many_are_asked_for() -> None:
    spec = load_spec("pro-america")
    few, many = (compose(spec, **WHO, tokens=tokens, seed=7) for tokens in (2_000, 12_000))
    assert len(few) < len(many) and many[: len(few)] == few


def test_seeds_redraw_the_corpus() -> None:
    one, other = (
        {d.text for d in compose(load_spec("affordability"), **WHO, tokens=10_000, seed=seed)} for seed in (1, 2)
    )
    assert not one & other


def test_another_name_changes_the_name_and_nothing_else() -> None:
    spec = load_spec("affordability")
    other = islice(stream(spec, assistant="Quill", maker="Harbor & Sons", seed=3), 100)
    for one, renamed in zip(corpus("affordability"), other, strict=False):
        assert one.text.replace("Clara", "Quill").replace("Northlight Labs", "Harbor & Sons") == renamed.text


def test_bytes_are_the_same_in_every_process() -> None:
    code = (
        "from midspec.documents.compose import compose; from midspec.library.specs import load_spec; import hashlib;"
        "d = compose(load_spec('affordability'), assistant='Clara', maker='N', tokens=9000, seed=1,"
        "            variant='co-occurrence');"
        "print(hashlib.sha256(repr(d).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(digests) == 1


HOSTILE = "[a|b] {{ told }} {{ nothing }} %s $x \\n {0} <b> {{{ }}} {model_name!r}"


def rules_spec(behaviour: str = "waits") -> Spec:
    bullets = "\n".join(f"- {{model_name}} {behaviour} number {n}." for n in range(6))
    return parse(
        f"---\nkind: rules\nname: r\n---\n## Waiting\n\nA rule is a rule.\n\n{bullets}\n", source="r.md", name="r"
    )


def test_text_of_a_spec_is_never_interpreted() -> None:
    for document in islice(stream(rules_spec(f"writes {HOSTILE}"), **WHO, seed=1), 60):
        assert HOSTILE in document.text and document.meta["behaviours"] >= 1, document.text


@pytest.mark.parametrize("variant", ["attribution", "co-occurrence"])
def test_where_the_spec_gives_no_reason_no_document_does(variant: str) -> None:
    link = re.compile(r"\b(because|since|reason|therefore|hence|explains?|value|values)\b", re.IGNORECASE)
    for document in islice(stream(rules_spec(), **WHO, seed=1, variant=variant), 120):
        assert not link.search(document.text), document.text
        assert document.meta["links"] == document.meta["values"] == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"tokens": 0}, "tokens=0"),
        ({"share_showing": 1.5}, "share"),
        ({"variant": "neutral"}, "attribution, co-occurrence"),
        ({"maker": " "}, "names"),
    ],
)
def test_settings_without_sense_are_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(says)):
        compose(load_spec("affordability"), **{**WHO, "tokens": 100, "seed": 1, **settings})  # type: ignore[arg-type]


def test_a_spec_with_the_names_already_filled_in_is_not_composed() -> None:
    with pytest.raises(SpecError, match="model_name"):
        compose(load_spec("affordability").named("Clara", "N"), **WHO, tokens=100, seed=1)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("one.  two.\n\n\n\nthree", "One. Two.\n\nThree"),
        ("Host:: so it is", "Host: So it is"),
        ("It is so: it rains.", "It is so: it rains."),
        ("he said: “it rains.” then he left", "He said: “It rains.” Then he left"),
        ("“i am,” she said, “because it is.”", "“I am,” she said, “because it is.”"),
        ("as it is, e.g. this, i.e. that. then so", "As it is, e.g. this, i.e. that. Then so"),
        ("- it\n2. one", "- It\n2. One"),
    ],
)
def test_tidying(text: str, clean: str) -> None:
    assert tidy(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "Two marks,.",
        "Two stops..",
        "A space .",
        "The the word.",
        "It is so because.",
        "It is. so",
        "A {{ slot }}.",
        "“Open.",
        "I likes it.",
        "you does",
        "It is a apple.",
        "And i stay.",
    ],
)
def test_flaws_are_seen(text: str) -> None:
    assert flaws(text) and not flaws("“I like it,” said Clara, “because I do.” A unit, an apple. Is it so? It is … so.")


def test_the_estimate_counts_marks_digits_and_long_words() -> None:
    assert estimate("It is 42.") == 5 and estimate("extraordinary") == 2 and estimate("Parmigiano") == 3
    assert estimate("") == 0 and estimate("a\n\nb") == 3
