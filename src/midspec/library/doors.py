"""A user's file, or a data set on a hub → rows, each with its place. Knows nothing of what rows mean."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from midspec.core.errors import DataError, RecipeError, SetupError
from midspec.core.file import File
from midspec.core.rows import Row, read_rows

KINDS = (".parquet", ".jsonl", ".ndjson", ".json")
COMMIT = re.compile(r"[0-9a-f]{40}")
NAME = re.compile(r"[\w.-]+/[\w.-]+")
PLANNED_BYTES = 20_000_000
_SPLITS = ("train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval", "evaluation")
_NOT_DATA = ("dataset_info.json", "dataset_infos.json", "state.json", "config.json")
_PINNED = 'pin it: revision="…" with the 40 digits of a commit, as the data set\'s page shows under "Files" → "History"'


class Place(NamedTuple):
    """Where a row stands: ``source`` says where the file lies, ``within`` is the same wherever it lies."""

    source: str
    within: str

    def __str__(self) -> str:
        return f"{self.source}{'' if self.source.endswith('/') else ', '}{self.within}"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where rows come from: a local ``file``, or the data set ``hub`` at the commit ``revision``.

    In a data set, the files of ``split`` are read; ``files`` chooses others by a shell pattern ("rules/*.parquet").

    Raises:
        RecipeError: not exactly one of file and hub, or a hub data set that is not pinned to a commit.
    """

    file: File | None = None
    hub: str | None = None
    revision: str | None = None
    split: str = "train"
    files: str | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.hub is None):
            raise RecipeError("rows come either from a file or from a hub data set: give one of file= and hub=")
        if self.hub is None:
            if self.revision is not None or self.files is not None:
                raise RecipeError("revision= and files= belong to a hub data set; a file is known by its content")
            return
        if not NAME.fullmatch(self.hub):
            raise RecipeError(f"hub={self.hub!r} is not a data set's name", hint='they look like "owner/name"')
        if self.revision is None or not COMMIT.fullmatch(self.revision):
            raise RecipeError(f"hub={self.hub!r}, revision={self.revision!r}: may be other data tomorrow", hint=_PINNED)

    def small(self) -> bool:
        """Whether a plan may read it: a local file of at most 20 MB."""
        return self.file is not None and self.file.read_path().stat().st_size <= PLANNED_BYTES

    def tokens(self) -> int:
        """About how many tokens a local file holds (4 bytes each); 0 where nobody can know yet."""
        return 0 if self.file is None else self.file.read_path().stat().st_size // 4

    def rows(self) -> Iterator[tuple[Place, Row]]:
        """(place, row) in the order of the files.

        Raises:
            DataError: a file is missing, of an unknown kind or has a line that is not a row; names the line.
            SetupError: the hub does not answer, or a package is missing.
        """
        if self.file is not None:
            path = self.file.read_path()
            yield from ((Place(str(path), spot), row) for spot, row in rows_of(path))
            return
        assert self.hub is not None and self.revision is not None
        for name, path in _download(self.hub, self.revision, self.split, self.files):
            for spot, row in rows_of(path):
                yield Place(f"{self.hub}@{self.revision[:8]}/", f"{name}, {spot}"), row


def rows_of(path: Path) -> Iterator[tuple[str, Row]]:
    """("line 7" or "row 7", row) of one JSONL, JSON or Parquet file."""
    if path.suffix == ".parquet":
        yield from _parquet(path)
    elif path.suffix == ".json" and _starts_list(path):
        yield from _json_list(path)
    elif path.suffix in KINDS:
        yield from ((f"line {number}", row) for number, row in read_rows(path))
    else:
        raise DataError(f"{path}: rows are not read from a {path.suffix or 'file without ending'}",
                        hint=f"known: {', '.join(KINDS)}; plain text goes in as one JSON object a line, "
                             'documents as {"text": "…"}, items and chats as docs/items.md and docs/chats.md say')


def choose(names: Sequence[str], split: str, pattern: str | None, where: str) -> list[str]:
    """The files of a data set that hold ``split``, sorted.

    Raises:
        DataError: none do, or it is not clear which (several folders or kinds); lists what there is.
    """
    data = sorted(n for n in names if PurePosixPath(n).suffix in KINDS and PurePosixPath(n).name not in _NOT_DATA)
    found = _of_split(data, split) if pattern is None else [n for n in data if fnmatch(n, pattern)]
    if not found:
        raise DataError(f"{where}: no file for {'files=' + repr(pattern) if pattern else 'split ' + repr(split)}",
                        hint=f"there is: {', '.join(data or sorted(names)) or 'nothing'}")
    if len({(str(PurePosixPath(n).parent), PurePosixPath(n).suffix) for n in found}) > 1 and pattern is None:
        raise DataError(f"{where}: split {split!r} lies in several folders or formats",
                        hint=f"choose with files=, from: {', '.join(found)}")
    return found


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dates and the like as text, NaN and infinities as None, bytes as hex."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value.hex() if isinstance(value, bytes) else str(value)


def _of_split(data: list[str], split: str) -> list[str]:
    exact = re.compile(rf"(^|/){re.escape(split)}(-\d+-of-\d+)?\.\w+$|(^|/){re.escape(split)}/")
    loose = re.compile(rf"(^|[/._-]){re.escape(split)}([/._-]|$)")
    for pattern in (exact, loose):
        if found := [n for n in data if pattern.search(n)]:
            return found
    # As the hub's own loader does: files that name no split at all are training data.
    named = re.compile(rf"(^|[/._-])({'|'.join(_SPLITS)})([/._-]|$)")
    return data if split == "train" and not any(named.search(n) for n in data) else []


def _download(hub: str, revision: str, split: str, pattern: str | None) -> Iterator[tuple[str, Path]]:
    try:
        from huggingface_hub import HfApi, hf_hub_download
    except ImportError as error:
        raise SetupError("data sets of a hub need huggingface_hub", hint="pip install 'midspec[train]'") from error
    where = f"{hub}@{revision[:8]}"
    with _hub_trouble(where):
        names = HfApi().list_repo_files(hub, repo_type="dataset", revision=revision)
    for name in choose(names, split, pattern, where):
        with _hub_trouble(where):
            path = Path(hf_hub_download(hub, name, repo_type="dataset", revision=revision))
        yield name, path


@contextmanager
def _hub_trouble(where: str) -> Generator[None]:
    try:
        yield
    except Exception as error:  # the hub's client lets the errors of its HTTP library through, and changes the library
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SetupError(f"{where}: cannot be fetched ({reason})",
                         hint="is the name right, the hub reachable, a token needed? "
                              "A downloaded file can be given as file= instead") from error


def _starts_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _json_list(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        rows = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON in UTF-8 ({error})") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, row {number}: a {type(row).__name__} where an object is expected")
        yield f"row {number}", row


def _parquet(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise SetupError(f"{path}: Parquet files need pyarrow", hint="pip install 'midspec[data]'") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}, after row {number}: not readable as Parquet ({error})") from error
