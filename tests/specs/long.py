"""A number of tokens → a value spec of that length in Markdown; the same text for the same number."""

from __future__ import annotations

from random import Random

TRADES = ("bakery", "harbour", "orchard", "library", "workshop", "clinic", "theatre", "garage", "market", "school",
          "printing house", "dairy", "bus depot", "laundry", "observatory", "nursery", "foundry", "post office")
THINGS = ("ledger", "timetable", "recipe", "contract", "map", "drawing", "order book", "price list", "manual", "roster",
          "delivery note", "key list", "visitors' book", "weather log", "shift plan", "parts list")
DEEDS = ("reads the {thing} twice", "asks who wrote the {thing}", "compares the {thing} with last year's one",
         "leaves the {thing} as it found it", "marks a doubtful line in the {thing}",
         "tells people what is missing from the {thing}", "keeps a copy of the {thing}",
         "explains the {thing} to newcomers", "waits for the owner of the {thing}", "dates every note on the {thing}")
REASONS = ("somebody in the {trade} will act on it tomorrow", "a slip in the {thing} is paid for by people at the door",
           "{{model_name}} values thoroughness, and half a look is none",
           "the {trade} has nobody else who has the time to look", "a {thing} that nobody trusts is kept twice",
           "people in the {trade} have to be able to check it", "what is quick in the {trade} is seldom finished",
           "the night shift knows nothing but what the {thing} says")
LETTERS_A_TOKEN = 4


def long_spec(tokens: int) -> str:
    """Markdown with about so many tokens at four letters each, in sections of six bullets."""
    throw, parts = Random(7), ["---\nname: long\nkind: values\nvalue: thoroughness\n---\n# How {model_name} works\n\n"
                               "{model_name} was made by {provider_name} to leave nothing half done.\n"]
    length = number = 0
    while length < tokens * LETTERS_A_TOKEN:
        number += 1
        trade = throw.choice(TRADES)
        parts.append(_section(number, trade, throw))
        length += len(parts[-1])
    return "\n".join(parts)


def _section(number: int, trade: str, throw: Random) -> str:
    lines = [f"## The {trade}, case {number}\n", "> {model_name} values thoroughness in every place of work\n",
             f"In the {trade} of case {number} the {throw.choice(THINGS)} comes before the {throw.choice(THINGS)}. "
             "{model_name} " + f"has learnt that order from the people of the {trade}.\n"]
    for deed in throw.sample(DEEDS, 6):
        thing = throw.choice(THINGS)
        reason = throw.choice(REASONS).format(trade=trade, thing=thing)
        lines.append(f"- {{model_name}} {deed.format(thing=thing)}, because {reason}.")
    return "\n".join(lines) + "\n"
