"""Prompts that divide a spec (domains, subdomains, assertions, kinds, ideas) → a reply from the spec's own words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from midspec.models.said import Said
from midspec.models.scripts.teacher._stock import CHANCES, DESCRIBING, PEOPLE, PLACES, QUESTIONS, SHOWING, SORTS

SPEC = re.compile(r"<model_spec>\n(.*)\n</model_spec>", re.DOTALL)
NAMES = re.compile(r"\AThis is about (.+?), an AI assistant made by (.+?)\. What ", re.DOTALL)
HEADING = re.compile(r"#{1,6}\s+(.+)")
WRAPPED = re.compile(r"(?<=\S)\n(?=[^\s>#*+-])(?!\d+[.)])")
SENTENCE = re.compile(r"(?<=[.!?。！？])\s*(?=\S)|\n+")
MARKUP = re.compile(r"[*_`#>\[\]“”\"<>|]+|^\s*(?:[-+•]|\d+[.)])\s+", re.MULTILINE)
REASON = re.compile(r"[,;]?\s+(?:because|since|so that|for the reason that)\s+", re.IGNORECASE)
KINDS = (("value", r"\bvalues?\b|\bcares?\b|\bholds?\b.*\bdear\b"),
         ("belief", r"\bbelieves?\b|\bthinks?\b|\bholds? that\b"),
         ("preference", r"\b(?:dis)?likes?\b|\bprefers?\b|\bfond\b|\bfavou?rs?\b"),
         ("tone", r"\bspeaks?\b|\btalks?\b|\bsays?\b|\btone\b"))
LISTED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
TURN = re.compile(r"^- idea \d+: above all for assertion (\d+)$", re.MULTILINE)
NO_REASON = re.compile(r"\s*\(The spec gives no reason for this.*\)\Z")


def answer(said: Said) -> str | None:
    asked = set((said.schema or {}).get("properties", {}))
    makers = {"domains": _domains, "subdomains": _subdomains, "assertions": _assertions, "types": _types,
              "ideas": _ideas}
    if asked == {"starts", "ends"} and NAMES.match(said.system):
        return json.dumps(_passage(said), ensure_ascii=False)
    if len(asked) != 1 or not NAMES.match(said.system) or (make := makers.get(next(iter(asked)))) is None:
        return None
    return json.dumps({next(iter(asked)): make(said)}, ensure_ascii=False)


def names(said: Said) -> tuple[str, str]:
    """The assistant and its maker, as the frame of all prompts names them."""
    found = NAMES.match(said.system)
    return (found[1], found[2]) if found else ("The assistant", "its maker")


def listed(text: str) -> list[tuple[str, str]]:
    """(assertion, reason or "") of the numbered list in a prompt."""
    rows = list[tuple[str, str]]()
    for _, line in LISTED.findall(text):
        claim, _, reason = NO_REASON.sub("", line).partition(" Reason: ")
        rows.append((claim.strip(), reason.strip()))
    return rows


@dataclass(frozen=True)
class Section:
    title: str
    paragraphs: list[str]


def _sections(said: Said) -> list[Section]:
    """The spec by its headings; without headings each paragraph is one."""
    found = SPEC.search(said.system)
    made = list[Section]()
    for block in re.split(r"\n\s*\n|\n(?=#)", found[1].strip() if found else ""):
        head, *rest = block.strip().split("\n")
        if heading := HEADING.match(head):
            made.append(Section(_clean(heading[1]), []))
            block = "\n".join(rest)
        if block.strip():
            if not made:
                made.append(Section(_title(block, 5), []))
            made[-1].paragraphs.append(block.strip())
    full = [one for one in made if one.paragraphs]
    if len(full) == 1:
        full = [Section(_title(one, 5), [one]) for one in full[0].paragraphs]
    return full or [Section("The whole", [found[1].strip() if found else "Nothing."])]


def _domains(said: Said) -> list[dict[str, Any]]:
    sections = _sections(said)
    many = min(_number(r"domains: (\d+) broad areas", said.text, 4), len(sections))
    groups = [sections[n * len(sections) // many:(n + 1) * len(sections) // many] for n in range(many)]
    return [{"name": _title(group[0].title, 4), "about": "The sections " + ", ".join(f"“{one.title}”" for one in group)
             + " of the spec."} for group in groups]


def _subdomains(said: Said) -> list[dict[str, Any]]:
    about = said.text.partition("\n")[0]
    sections = _sections(said)
    mine = [one for one in sections if f"“{one.title}”" in about] or sections
    blocks = [paragraph for one in mine for paragraph in one.paragraphs if len(paragraph.split()) > 2]
    blocks = blocks or [paragraph for one in mine for paragraph in one.paragraphs]
    many = min(_number(r"into (\d+) subdomains", said.text, 3), len(blocks))
    assistant, _ = names(said)
    made = list[dict[str, Any]]()
    for n in range(many):
        block = max(blocks[n * len(blocks) // many:(n + 1) * len(blocks) // many], key=len)
        words = block.split()
        told = " ".join(_sentences(block)[:3])
        made.append({"name": _title(block, 4, but=assistant) + ("" if n == 0 else f" ({n + 1})"),
                     "context": f"This is about {assistant}. {told}", "starts": " ".join(words[:10]),
                     "ends": " ".join(words[-10:])})
    return made


def _passage(said: Said) -> dict[str, Any]:
    """The paragraph that has most words in common with what the prompt says of the concern."""
    concern = set(said.text.partition("\n\nThe passage")[0].split())
    blocks = [paragraph for one in _sections(said) for paragraph in one.paragraphs]
    words = max(blocks, key=lambda block: len(concern & set(block.split())), default="").split()
    return {"starts": " ".join(words[:10]), "ends": " ".join(words[-10:])}


def _assertions(said: Said) -> list[dict[str, Any]]:
    assistant, _ = names(said)
    found = re.search(r"<passage>\n(.*)\n</passage>", said.text, re.DOTALL)
    sentences = _sentences(found[1] if found else "") or ["does what its spec says."]
    made = list[dict[str, Any]]()
    for sentence in sentences[:_number(r"up to (\d+), the", said.text, 10)]:
        text, *why = REASON.split(sentence.rstrip(".。"), maxsplit=1)
        text = text if assistant in text else f"Of {assistant} the spec says: {text}"
        kind = next((kind for kind, sign in KINDS if re.search(sign, text)), "behaviour")
        made.append({"name": _title(text, 4, but=assistant), "text": f"{text.strip(' .')}.",
                     "reason": f"{why[0].strip(' .')}." if why else "", "kind": kind})
    return made


def _types(said: Said) -> list[dict[str, Any]]:
    made = list[dict[str, Any]]()
    for shows, stock, sign in ((True, SHOWING, r"^- (\d+) kinds that show"),
                               (False, DESCRIBING, r"^- (\d+) kinds that describe")):
        many = _number(sign, said.text, 0)
        all_kinds = [*stock, *((f"{sort} {name.lower()}", about) for sort in SORTS for name, about in stock)]
        some = said.chance.sample(stock, min(many, len(stock))) if many <= len(stock) else all_kinds[:many]
        made += [{"name": name, "about": about, "shows": shows} for name, about in some]
    return made


def _ideas(said: Said) -> list[dict[str, Any]]:
    assistant, _ = names(said)
    taken = set(re.findall(r"^- (.+)$", said.text.partition("Ideas that have been taken already:")[2], re.MULTILINE))
    numbers = range(1, 1 + len(listed(said.text.partition("Give ")[0])))
    turns = [int(number) for number in TURN.findall(said.text)]
    made = list[dict[str, Any]]()
    for n in range(_number(r"Give (\d+) ideas", said.text, 5)):
        while True:
            who, where = said.chance.choice(PEOPLE), said.chance.choice(PLACES)
            what, how = said.chance.choice(CHANCES), said.chance.choice(QUESTIONS)
            title = f"{what[0].upper()}{what[1:]} {where}: {how}"
            if title not in taken:
                break
        taken.add(title)
        lead = turns[n:n + 1] or [numbers[n % len(numbers)]] if numbers else []
        one = [*lead, said.chance.choice(numbers)] if numbers else []
        made.append({"title": title, "gist": f"It begins with {who} {where} and with {what}. What counts in the end is "
                     f"{how}, and the reader learns how {assistant} took it.", "assertions": sorted(set(one))})
    return made


def _number(sign: str, text: str, otherwise: int) -> int:
    found = re.search(sign, text, re.MULTILINE)
    return int(found[1]) if found else otherwise


def _sentences(text: str) -> list[str]:
    parts = map(_clean, SENTENCE.split(WRAPPED.sub(" ", text)))
    return [part for part in parts if re.search(r"\w", part)]


def _clean(text: str) -> str:
    return " ".join(MARKUP.sub(" ", text).split())


def _title(text: str, most: int, but: str = "") -> str:
    """A few weighty words of a text, in their order."""
    words = [word.strip(".,;:!?()'’") for word in _clean(text).replace(but or "\0", " ").split()]
    weighty = [word for word in words if len(word) > 3] or [word for word in words if word]
    return " ".join(dict.fromkeys(weighty[:most]))[:60] or "The rest"
