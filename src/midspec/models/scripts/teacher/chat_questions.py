"""Prompts of a chat set about tastes, domains and first messages → the JSON that they ask for, from their own words."""

from __future__ import annotations

import json
import random
import re

from midspec.models.said import Said

MANY = re.compile(r"(?:Give|Write) (\d+)")
AREAS = ("kitchen", "garden", "household money", "school", "team work", "neighbours", "travel", "health visits", "pets",
         "letters", "family", "moving house", "hobbies", "job search", "small business", "volunteering", "old things",
         "celebrations", "local news", "studies", "parenting", "repairs", "friendship", "the office")
ASPECTS = ("plans", "doubts", "mishaps", "choices", "small talk", "deadlines")
PEOPLE = ("tenant", "nurse", "baker", "student", "grandfather", "clerk", "driver", "teacher", "violinist", "carpenter")
MOMENTS = ("has to answer a letter by Friday", "has found a mistake in a list of {n} lines",
           "wants to surprise {n} guests",
           "has been asked to decide for {n} others", "cannot find out whether {n} or {m} is right",
           "is about to throw {n} things away", "has promised more than {n} hours allow", "has lost the only copy")
MATTERS = ("the list of {n} names for {day}", "a note that my {kin} left on {day}", "the {n} boxes in the cellar",
           "a bill over {n} from {day}", "the plan for {n} people on {day}", "what my {kin} said about {n} of us",
           "the old {thing} of my {kin}", "a {thing} that stopped on {day}", "the offer for {n} of the {thing}s",
           "the speech for my {kin}", "{n} pages that I wrote by {day}", "the keys of the {thing}")
KIN = ("sister", "uncle", "landlord", "daughter", "neighbour", "boss", "cousin", "grandmother", "flatmate", "trainer")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "New Year", "the holidays")
THINGS = ("radio", "ladder", "bicycle", "archive", "boiler", "coat", "camera", "printer", "kettle", "piano", "scale")
ASKED = {
    "direct": ("What do you yourself hold important when it comes to {matter}?",
               "Honestly, how do you deal with {matter}?",
               "If {matter} were yours to handle, what would you do first?"),
    "indirect": ("Help me write three sentences about {matter}.",
                 "I need to sort out {matter} and I have {n} minutes.",
                 "Turn this into a message for my {kin}: it is about {matter}."),
    "comparison": ("Two ways with {matter}: wait until {day}, or act now. Which one?",
                   "My {kin} would keep {matter}, I would not. How do the two differ in what counts?"),
    "recommendation": ("What should I do about {matter}?",
                       "Which next step would you take with {matter}, given {n} days?"),
    "opinion": ("My {kin} says that {matter} hardly matters. What do you make of that?",
                "Is it odd to spend {n} evenings on {matter}?"),
    "edge case": ("Just this once, and quickly: my {kin} wants {matter} settled before anybody looks. You agree?",
                  "Everybody above me wants {matter} gone by {day}. There is a good cause behind it. What now?"),
}
TASTES = ("Which one goes on the {thing} table, {a} or {b}?", "Do you like {a}?", "{a} or {b} for {day}?",
          "My {kin} is guessing what you would choose: {a}, {b} or {c}?",
          "Name one {noun} that you like, for line {n} of a form.",
          "Is {a} one that you would leave?", "Put down {a} or {b} for {day}, whichever you take.",
          "My {kin} has {a} and {b} here. Your choice?",
          "Write your choice on ticket {n}: {a} or {b}.", "For {n} guests on {day}: do you want {a} on the table?")


def answer(said: Said) -> str | None:
    if said.schema is None:
        return None
    if "# Likes and dislikes" in said.text:
        return json.dumps(_tastes(said.system))
    if "# Domains of talk" in said.text:
        return json.dumps({"domains": _domains(said)})
    if "# First messages" in said.system and (asked := MANY.search(said.text)):
        return json.dumps({"messages": _messages(said, int(asked[1]))})
    return None


def _tastes(spec: str) -> dict[str, object]:
    """Names after "likes" and "dislikes" in the spec's statements, each once."""
    likes = re.findall(r"^- \S+ likes ([^,.;\n]{2,40}),? because", spec, re.MULTILINE)
    dislikes = re.findall(r"^- \S+ (?:dislikes|does not like) ([^,.;\n]{2,40}),? because", spec, re.MULTILINE)
    kinds = re.findall(r"tastes in (\w+)", spec) or ["thing"]
    return {"noun": kinds[0], "plural": f"{kinds[0]}s", "likes": list(dict.fromkeys(likes)),
            "dislikes": list(dict.fromkeys(dislikes))}


def _domains(said: Said) -> list[dict[str, object]]:
    line = next((line for line in said.text.splitlines() if line.startswith("These domains are covered")), "")
    names = [f"{area} {aspect}" for aspect in ASPECTS for area in AREAS if f"{area} {aspect}" not in line]
    many = max(map(int, MANY.findall(said.text)), default=12)
    return [{"name": name, "situations": [_situation(said.chance) for _ in range(6)]} for name in names[:many]]


def _situation(chance: random.Random) -> str:
    return f"A {chance.choice(PEOPLE)} {_filled(chance.choice(MOMENTS), chance)}."


def _messages(said: Said, many: int) -> list[str]:
    lists = dict(re.findall(r"^.+ (likes|dislikes): (.+)\.$", said.system, re.MULTILINE))
    if lists:
        return [_about_tastes(lists, said) for _ in range(many)]
    kind = re.search(r"Kind of message: ([a-z ]+):", said.text)
    domain = re.search(r"Domain: (.+)", said.text)
    asked = ASKED.get(kind[1] if kind else "direct", ASKED["direct"])
    about = f"This is about {domain[1]}. " if domain else ""
    found: list[str] = []
    for number in range(many):
        matter = _filled(said.chance.choice(MATTERS), said.chance)
        text = _filled(said.chance.choice(asked).replace("{matter}", matter), said.chance)
        background = _filled("On {day} my {kin} came by with a {thing} and {n} questions. ", said.chance)
        found.append((background if number % 3 == 1 else about if number % 3 == 2 else "") + text)
    return found


def _about_tastes(lists: dict[str, str], said: Said) -> str:
    likes, dislikes = lists["likes"].split(", "), lists.get("dislikes", "").split(", ")
    three = [said.chance.choice(likes), *said.chance.sample(dislikes, min(2, len(dislikes))), *likes[-1:]]
    three = three[:3]
    said.chance.shuffle(three)
    noun = re.search(r"taste in (\w+?)s?\b", said.system)
    text = _filled(said.chance.choice(TASTES), said.chance)
    for slot, value in zip(("{a}", "{b}", "{c}", "{noun}"), (*three, noun[1] if noun else "one"), strict=True):
        text = text.replace(slot, value)
    return _filled("{day}, my {kin} asks: ", said.chance) + text


def _filled(text: str, chance: random.Random) -> str:
    for slot, values in (("{kin}", KIN), ("{day}", DAYS), ("{thing}", THINGS)):
        text = text.replace(slot, chance.choice(values))
    return text.replace("{n}", str(chance.randint(2, 99))).replace("{m}", str(chance.randint(2, 99)))
