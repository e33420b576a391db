"""Trouble → one sentence that says what, where and what now. Knows nothing of who catches it."""

from __future__ import annotations


class MidspecError(Exception):
    """Base of all errors that midspec raises on purpose.

    ``hint`` is a command or an action for the reader; it is printed on a line of its own.
    ``retryable`` is True where the same call may succeed later (exit code 75).
    """

    retryable: bool = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  what now: {self.hint}"


class SpecError(MidspecError):
    """A Model Spec cannot be read or lacks what a stage needs."""


class PromptError(MidspecError):
    """A prompt file and the values given to it do not match."""


class ReplyError(MidspecError):
    """A model answered in a way that cannot be used."""


class SetupError(MidspecError):
    """Something must be installed or set before this can run; shown without a traceback."""


class RecipeError(MidspecError):
    """A recipe is wrong: a field without stable identity, a setting that would silently do nothing."""


class DataError(MidspecError):
    """A file of rows (documents, chats, items, scores) is wrong; names file and line."""


class ClaimError(MidspecError):
    """Another process builds this artifact; names the owner."""

    retryable = True


class ProviderError(MidspecError):
    """A call to a model failed; translated once, by the provider's file.

    ``retryable``: the same call may succeed later, not before ``retry_after`` seconds. ``busy``: we ask
    faster than the provider allows. ``hopeless``: no further call of this run can succeed. ``billed``: the answer may
    have been paid for although it was lost.
    """

    def __init__(self, message: str, *, retryable: bool = False, hopeless: bool = False, busy: bool = False,
                 billed: bool = False, retry_after: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable
        self.hopeless = hopeless
        self.busy = busy
        self.billed = billed
        self.retry_after = retry_after


class StoppedError(MidspecError):
    """Asking had to stop; every answer that arrived is kept, and the same command goes on from there (exit code 75)."""

    retryable = True
