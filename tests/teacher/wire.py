"""Bytes on a socket → requests → bytes, well-behaved or not. Knows nothing of models.

Hand-written because a web framework repairs exactly what this server must be able to do wrong.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """``manner``: whole, twice, slow, hang, short, reset-before, reset-mid, reset-after."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    manner: str = "whole"
    seconds: float = 0.0  # of a hang or a slow body
    done: Callable[[bool], None] = lambda written: None


Handler = Callable[[Request], Awaitable[Answer]]


class Wire(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    def __init__(self, handler: Handler, living: set[Wire]) -> None:
        self.handler, self.living = handler, living
        self.buffer = bytearray()
        self.transport: Any = None
        self.task: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.living.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self.living.discard(self)
        self.lost.set()
        self.free.set()

    def pause_writing(self) -> None:
        self.free.clear()

    def resume_writing(self) -> None:
        self.free.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.task is None:
            self._next()

    def _next(self) -> None:
        request = _read(self.buffer)
        if request is not None and not self.lost.is_set():
            self.task = asyncio.get_running_loop().create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        written = False
        answer = Answer()
        try:
            answer = await self.handler(request)
            written = await self._send(answer)
        finally:
            answer.done(written)
            self.task = None
        self._next()

    async def _send(self, answer: Answer) -> bool:
        """Whether all of it left for a client who was still there."""
        manner, body = answer.manner, answer.body
        if manner == "reset-before":
            return self._reset()
        if manner == "hang":
            await self._pause(answer.seconds)
            self.transport.close()
            return False
        head = _head(answer, len(body) + (100 if manner == "short" else 0))
        if manner in ("reset-mid", "short"):
            await self._write(head + body[: len(body) // 2])
            if manner == "reset-mid":
                await self._pause(0.005)
                return self._reset()
            self.transport.close()
            return False
        if manner == "slow":
            await self._drip(head + body, answer.seconds)
        else:
            await self._write((head + body) * (2 if manner == "twice" else 1))
        whole = not self.lost.is_set() and not self.transport.is_closing()
        if manner == "reset-after":
            await self._pause(0.005)
            self._reset()
        return whole

    async def _drip(self, data: bytes, seconds: float) -> None:
        for n in range(8):
            await self._write(data[len(data) * n // 8 : len(data) * (n + 1) // 8])
            await self._pause(seconds / 8)

    async def _write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)
            await self.free.wait()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.lost.wait()
        except TimeoutError:
            pass

    def _reset(self) -> bool:
        """Hang up so that the other side gets an error, not an end."""
        if not self.transport.is_closing():
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()
        return False


def _head(answer: Answer, length: int) -> bytes:
    reason = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "Overloaded"
    headers = {"content-type": "application/json", **answer.headers, "content-length": str(length)}
    lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _read(buffer: bytearray) -> Request | None:
    """Takes one whole request off the front of the buffer, or nothing."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        taken = _chunks(buffer, end + 4)
        if taken is None:
            return None
        body, used = taken
    else:
        used = end + 4 + int(headers.get("content-length", 0))
        if len(buffer) < used:
            return None
        body = bytes(buffer[end + 4 : used])
    del buffer[:used]
    method, target, _ = first.split(" ", 2)
    parts = urlsplit(target)
    return Request(method, unquote(parts.path), dict(parse_qsl(parts.query)), headers, body)


def _chunks(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    body, here = b"", start
    while True:
        end = buffer.find(b"\r\n", here)
        if end < 0:
            return None
        size = int(bytes(buffer[here:end]).split(b";")[0], 16)
        here = end + 2
        if len(buffer) < here + size + 2:
            return None
        body += bytes(buffer[here : here + size])
        here += size + 2
        if size == 0:
            return body, here


def part_of_form(request: Request) -> dict[str, bytes]:
    """The fields of a multipart form by name."""
    boundary = request.headers.get("content-type", "").partition("boundary=")[2].strip('"').encode()
    found: dict[str, bytes] = {}
    for part in request.body.split(b"--" + boundary):
        head, gap, value = part.partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        if gap and name:
            found[name] = value.removesuffix(b"\r\n")
    return found
