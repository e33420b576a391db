"""A user's turn, a reply's words → token ids as the model's template writes them. Knows nothing of what is asked."""

from __future__ import annotations

from midspec.core.chat import Message
from midspec.models.local import LocalModel
from midspec.models.template import encode_text, render

WORD = "Yes"


class Opening:
    """Prefixes that end where the assistant's text begins, with the checkpoint's system turn, each rendered once."""

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        self._prefixes: dict[str, list[int]] = {}
        self._lead, self._space = self._learn()

    def prefix(self, user: str) -> list[int]:
        """Ids up to the first token of the reply."""
        if user not in self._prefixes:
            self._prefixes[user] = self._open(user) + self._lead
        return self._prefixes[user]

    def answer(self, text: str) -> list[int]:
        """Ids of a reply's text behind a prefix, without the turn's end."""
        return encode_text(self._model.tokenizer, self._space + text)

    def _open(self, user: str) -> list[int]:
        system = self._model.checkpoint.system
        return render(self._model.tokenizer, [Message("user", user)], system=system, generate=True).ids

    def _learn(self) -> tuple[list[int], str]:
        """What the template puts between its generation prompt and a reply: ids (an empty reasoning block), a space."""
        before = self._open("a")
        turn = render(self._model.tokenizer, [Message("user", "a"), Message("assistant", WORD)],
                      system=self._model.checkpoint.system)
        if turn.ids[:len(before)] != before:
            return [], ""
        after = turn.ids[len(before):]
        for space in (" ", ""):  # a space first: where it can join a word's first token it belongs to the word
            word = encode_text(self._model.tokenizer, space + WORD)
            places = [n for n in range(len(after) - len(word) + 1) if after[n:n + len(word)] == word]
            if places:
                return after[:places[0]], space
        return [], ""
