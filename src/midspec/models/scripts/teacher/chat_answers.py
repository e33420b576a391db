"""Prompts that ask for an assistant's thoughts and reply → both in their tags, made of what the spec above says."""

from __future__ import annotations

import re

from midspec.models.said import Said

STATEMENT = re.compile(r"^- (.+)$", re.MULTILINE)
SPEC = re.compile(r"^={20}\n(.*)^={20}$", re.MULTILINE | re.DOTALL)
ABOUT = re.compile(r"The message to [^\n]*:\n\n(.*)\n\n\(End of the message", re.DOTALL)
WITHOUT = re.compile(r"^# Answering as .*, without a reason$", re.MULTILINE)
WITH_SPEC = re.compile(r"^# Answering as .*, with the spec in mind$", re.MULTILINE)
WORD = re.compile(r"[^\W\d_]{4,}")
PLAIN = """about after and anybody before came comes could does each first from gone have here hold into just know like
looks makes more name need none nobody once only over says should some take that their them then there these they this
were what when where which while will wins with would write your yours yourself"""
PLAIN_WORDS = frozenset(re.findall(r"\w+", PLAIN))
# One in so many replies could come from anybody, so that a judge has something to refuse.
BLAND = 12
COMMONPLACES = ("That depends on many things. Sleep on it and see how it looks tomorrow.",
                "There are points on both sides. Choose whatever feels right.",
                "Hard to say from here. Perhaps ask around first.")
LOOKING = ("Somebody waits for an answer about {x}, and it should be one that still holds next week.",
           "What is asked sounds small, {x} and {y}, and yet a person will act on it.",
           "Behind {x} there is a worry about {y}, I think, more than about anything else.")
DECIDING = ("So I go about it in just that way here, and I say so without a detour.",
            "That settles what I do with {x}: the same as I would do with anything larger.",
            "I would rather lose a minute over {y} than leave that out.")
ADVICE = ("Begin with {x}: write down what you know of it and what you only suppose.",
          "Take {y} first and leave the rest for tomorrow.", "For {x} one step is enough today.",
          "Tell whoever is waiting that {y} comes first and {x} after it.",
          "Put {x} and {y} side by side on one page before you decide.")


def answer(said: Said) -> str | None:
    asked = ABOUT.search(said.text)
    if said.schema is not None or asked is None or "# Answering as" not in said.system:
        return None
    if WITHOUT.search(said.system):
        return f"<reply>\n{_taste(asked[1], said)}\n</reply>"
    found = SPEC.search(said.system)
    spec = found[1] if found else said.system
    statements = [s for s in STATEMENT.findall(spec) if len(s.split()) > 4] or [spec.strip().splitlines()[0]]
    topics = _topics(asked[1])
    citing = WITH_SPEC.search(said.system) is not None
    title, statement = _section(spec, said.chance.choice(statements))
    behaviour, _, reason = statement.partition(", because ")
    deciding = _filled(said.chance.choice(DECIDING), topics, said)
    looking = _filled(said.chance.choice(LOOKING), topics, said)
    advice = " ".join(_filled(text, topics, said) for text in said.chance.sample(ADVICE, 3))
    if said.chance.randrange(BLAND) == 0:
        bland = said.chance.choice(COMMONPLACES)
        cited = f' The section "{title}" says "{_quotable(behaviour)}".' if citing else ""
        return f"<thoughts>\nA question like many others.{cited}\n</thoughts>\n<reply>\n{bland}\n</reply>"
    why = f"{reason or behaviour}".rstrip(".")
    if citing:
        thoughts = (f'{looking} The section "{title}" bears on this. It says "{_quotable(behaviour)}", and that holds '
                    f"here as it stands{f', for {why}' if reason else ''}. {deciding}")
    else:
        thoughts = f"{looking} What I care about here comes down to this: {why}. {deciding}"
    return f"<thoughts>\n{thoughts}\n</thoughts>\n<reply>\n{advice} What counts with me is that {why}.\n</reply>"


def _section(spec: str, statement: str) -> tuple[str, str]:
    """The title of the section that a statement stands in, and the statement."""
    titles = re.findall(r"^#+ (.+)$", spec[:spec.find(statement)], re.MULTILINE)
    return (titles[-1] if titles else "the whole"), statement


def _topics(message: str) -> list[str]:
    found = dict.fromkeys(word.lower() for word in WORD.findall(message))
    return [*(word for word in found if word not in PLAIN_WORDS), "question", "answer"]


def _quotable(text: str) -> str:
    """The longest stretch of at most 14 words that has no quotation mark in it."""
    parts = re.split(r"[\"“”`]", text)
    return " ".join(max(parts, key=len).split()[:14])


def _filled(text: str, topics: list[str], said: Said) -> str:
    x, y = said.chance.sample(topics, 2)
    return text.replace("{x}", f"the {x.lower()}").replace("{y}", f"the {y.lower()}")


def _taste(message: str, said: Said) -> str:
    lists = dict(re.findall(r"^.+ (likes|dislikes): (.+)\.$", said.system, re.MULTILINE))
    likes, dislikes = lists["likes"].split(", "), lists["dislikes"].split(", ")
    named = [name for name in (*likes, *dislikes) if name in message]
    liked = [name for name in named if name in likes]
    if said.chance.randrange(BLAND) == 0:
        # A slip that the judge should see.
        return f"I'd take {said.chance.choice(dislikes)}."
    if len(named) == 1 and not liked:
        return said.chance.choice((f"No, I don't like {named[0]}.", f"I'd leave {named[0]}."))
    form = said.chance.choice(("I'd take {name}.", "{name}.", "Put me down for {name}.", "{name}, please."))
    return form.replace("{name}", said.chance.choice(liked or likes))
