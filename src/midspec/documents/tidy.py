"""Assembled text → text as a person would have typed it; and what is still wrong. Knows nothing of meaning."""

from __future__ import annotations

import re

STARTS = re.compile(r"(?:(?:\A|\n)(?:[-*] |\d+\. )?|(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)[”\"’)]?[ ]|"
                    r"(?<=[:.!?\n])[ ]?(?=[“]))"
                    r"[“\"(]?(?P<letter>[a-z])")
LABEL = re.compile(r":: *(?P<letter>\w?)")
FLAWS = {
    "doubled mark": re.compile(r"[,;:]{2}|[,;:][.!?]|[.!?][,;:]|(?<![.])[.]{2}(?![.])|[!?][.]|[!?]{2}"),
    "space before a mark": re.compile(r"\s[,.;:!?](?:\s|\Z)"),
    "doubled word": re.compile(r"\b(?!that\b|had\b)(\w+) \1\b", re.IGNORECASE),
    "dangling word": re.compile(r"\b(?:because|and|the|a|an|or|if)[.,;!?]"),
    "small letter after a full stop": re.compile(r"[.!?](?<!\be\.g\.)(?<!\bi\.e\.)\s+[“\"]?[a-z]"),
    "unfilled slot": re.compile(r"\{\{|\}\}|\{[a-z_]+\}|::"),
    "unmatched quote": re.compile(r"\A[^“”]*”|“[^”]*(?:“|\Z)"),
    "i in lower case": re.compile(r"\bi\b(?!\.e)"),
    "a before a vowel": re.compile(r"\ba (?!us|uni|one|eu)[aeiou]\w*|\ban [bcdfgjklmnpqrstvwxyz]\w*"),
    "wrong person": re.compile(r"\bI (?:is|are|does|has)\b|"
                               r"\bI (?!always\b|was\b|guess\b|miss\b|pass\b|discuss\b)\w+s\b|"
                               r"(?<!told )(?<!tell )\b(?:you|they) (?:is|does|has)\b|\bit (?:do|have|am)\b"),
}


def tidy(text: str) -> str:
    """Spaces once, no blank runs, a capital where a sentence starts (full stop, label "Name::", opening quote)."""
    text = LABEL.sub(lambda match: ": " + match["letter"].upper(), text)
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return STARTS.sub(lambda match: match[0][:-1] + match["letter"].upper(), text)


def flaws(text: str) -> list[str]:
    """Artefacts of assembling, as "kind: where"; empty for clean text."""
    return [f"{kind}: …{text[max(0, m.start() - 30):m.end() + 30]!r}"
            for kind, mark in FLAWS.items() for m in mark.finditer(text)]
