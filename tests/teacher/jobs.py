"""Batch jobs of both providers: accepted at once, answered hours later on the teacher's clock, some rows never.

``Plan.speed`` says how many of the teacher's seconds pass in one second of the loop, so that a day fits into a test.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tests.teacher.billing import tokens
from tests.teacher.plan import dice
from tests.teacher.record import Row
from tests.teacher.wire import Answer, Request, part_of_form

if TYPE_CHECKING:
    from tests.teacher.teacher import Teacher

DAY = 86_400.0
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass
class Job:
    name: str
    api: str
    rows: list[tuple[str, Any]]  # the client's name for the row, and its body
    made: float
    takes: float
    tag: dict[str, str]
    listed: float
    source: str = ""
    cancelled: float | None = None
    settled: bool = False
    lines: dict[str, bytes] = field(default_factory=dict[str, bytes])  # "output" and "error"
    counts: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def ends(self) -> float:
        done = self.made + min(self.takes, DAY)
        return done if self.cancelled is None else min(done, self.cancelled)


class Jobs:
    """Files and batches. Nothing happens between requests: what is due is settled when somebody asks."""

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher
        self.files: dict[str, tuple[str, bytes, float]] = {}
        self.all: dict[str, Job] = {}
        self.submitted = 0
        self.asked = 0

    def state(self) -> list[dict[str, Any]]:
        return [
            {"name": job.name, "rows": len(job.rows), "tag": job.tag, "counts": job.counts} for job in self.all.values()
        ]

    def handle(self, request: Request, path: str, shape: ModuleType) -> Answer:
        self.asked += 1
        plan = self.teacher.plan
        throw = dice(plan.seed, "poll", path, self.asked)
        if request.method == "GET" and throw.random() < plan.batches.poll_faults:
            kind = throw.choice(("429", "500", "529", "reset"))
            return Answer(manner="reset-before") if kind == "reset" else _json(*shape.error(kind, {}))
        for job in self.all.values():
            self._settle(job)
        words = path.strip("/").split("/")
        if words[:2] == ["messages", "batches"]:
            return self._anthropic(request, words[2:], shape)
        if words[0] == "files":
            return self._file(request, words[1:])
        if words[0] == "batches":
            return self._openai(request, words[1:], shape)
        if words[0] == "models":
            return _json(200, {"object": "list", "data": [{"id": m, "object": "model"} for m in plan.models]})
        return _json(404, {"error": {"message": f"Unknown request URL: {path}", "type": "invalid_request_error"}})

    # OpenAI: a file of rows, a job on it, files of results.

    def _file(self, request: Request, words: list[str]) -> Answer:
        if request.method == "POST" and not words:
            form = part_of_form(request)
            if form.get("purpose") != b"batch" or "file" not in form:
                return _json(400, _problem("'purpose' must be one of the supported values"))
            name = f"file-{len(self.files):06d}"
            self.files[name] = ("batch", form["file"], self.teacher.wall())
            return _json(200, self._file_shape(name))
        if not words:
            shown = [self._file_shape(name) for name in reversed(self.files)]
            return _json(200, {"object": "list", "data": shown, "has_more": False})
        if words[0] not in self.files:
            return _json(404, _problem(f"No such File object: {words[0]}"))
        if words[1:] == ["content"]:
            return Answer(body=self.files[words[0]][1], headers={"content-type": "application/octet-stream"})
        if request.method == "DELETE":
            del self.files[words[0]]
            return _json(200, {"id": words[0], "object": "file", "deleted": True})
        return _json(200, self._file_shape(words[0]))

    def _file_shape(self, name: str) -> dict[str, Any]:
        purpose, data, made = self.files[name]
        return {
            "id": name,
            "object": "file",
            "bytes": len(data),
            "created_at": int(made),
            "filename": f"{name}.jsonl",
            "purpose": purpose,
            "status": "processed",
        }

    def _openai(self, request: Request, words: list[str], shape: ModuleType) -> Answer:
        if request.method == "POST" and not words:
            return self._submit_openai(json.loads(request.body), shape)
        if not words:
            return self._page(request, "openai", self._openai_shape)
        if (job := self.all.get(words[0])) is None:
            return _json(404, _problem(f"No batch found with id '{words[0]}'."))
        if words[1:] == ["cancel"]:
            self._cancel(job)
        return _json(200, self._openai_shape(job))

    def _submit_openai(self, body: dict[str, Any], shape: ModuleType) -> Answer:
        name = body.get("input_file_id", "")
        if name not in self.files or body.get("completion_window") != "24h":
            return _json(400, _problem("Invalid input file or completion window."))
        rows: list[tuple[str, Any]] = []
        for line in self.files[name][1].splitlines():
            one = json.loads(line)
            if one.get("url") != "/v1/chat/completions" or one.get("method") != "POST":
                return _json(400, _problem("The URL provided for this request does not match the batch endpoint."))
            rows.append((one["custom_id"], one["body"]))
        return self._accept("openai", rows, body.get("metadata") or {}, name, shape, self._openai_shape)

    def _openai_shape(self, job: Job) -> dict[str, Any]:
        ended, counts = job.settled, job.counts
        expired = job.takes > DAY and job.cancelled is None
        status = (
            ("cancelled" if job.cancelled is not None else "expired" if expired else "completed")
            if ended
            else ("cancelling" if job.cancelled is not None else "in_progress")
        )
        return {
            "id": job.name,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "errors": None,
            "input_file_id": job.source,
            "completion_window": "24h",
            "status": status,
            "output_file_id": f"{job.name}-output" if f"{job.name}-output" in self.files else None,
            "error_file_id": f"{job.name}-error" if f"{job.name}-error" in self.files else None,
            "created_at": int(job.made),
            "in_progress_at": int(job.made) + 1,
            "expires_at": int(job.made + DAY),
            "completed_at": int(job.ends) if status == "completed" else None,
            "finalizing_at": None,
            "failed_at": None,
            "expired_at": int(job.ends) if status == "expired" else None,
            "cancelling_at": None,
            "cancelled_at": None,
            "request_counts": {
                "total": len(job.rows),
                "completed": counts.get("succeeded", 0) if ended else self._so_far(job),
                "failed": counts.get("errored", 0) + counts.get("expired", 0),
            },
            "metadata": job.tag or None,
        }

    # Anthropic: one request with all rows, one stream of results.

    def _anthropic(self, request: Request, words: list[str], shape: ModuleType) -> Answer:
        if request.method == "POST" and not words:
            rows = [
                (one.get("custom_id", ""), one.get("params")) for one in json.loads(request.body).get("requests", [])
            ]
            if any(not _NAME.fullmatch(name) for name, _ in rows):
                return _json(
                    *shape.bad_request("requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
                )
            return self._accept("anthropic", rows, {}, "", shape, self._anthropic_shape)
        if not words:
            return self._page(request, "anthropic", self._anthropic_shape)
        if (job := self.all.get(words[0])) is None:
            return _json(404, {"type": "error", "error": {"type": "not_found_error", "message": "Batch not found."}})
        if words[1:] == ["cancel"]:
            self._cancel(job)
        if words[1:] == ["results"]:
            if not job.settled:
                return _json(*shape.bad_request("Message Batch results are not available yet."))
            return Answer(body=job.lines["output"], headers={"content-type": "application/x-jsonl"})
        return _json(200, self._anthropic_shape(job))

    def _anthropic_shape(self, job: Job) -> dict[str, Any]:
        counts = {name: job.counts.get(name, 0) for name in ("succeeded", "errored", "expired", "canceled")}
        counts["processing"] = 0 if job.settled else len(job.rows)
        status = "ended" if job.settled else "canceling" if job.cancelled is not None else "in_progress"
        return {
            "id": job.name,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": counts,
            "created_at": _date(job.made),
            "expires_at": _date(job.made + DAY),
            "archived_at": None,
            "ended_at": _date(job.ends) if job.settled else None,
            "cancel_initiated_at": None if job.cancelled is None else _date(job.cancelled),
            "results_url": f"{self.teacher.url}/v1/messages/batches/{job.name}/results" if job.settled else None,
        }

    # Both.

    def _accept(
        self, api: str, rows: list[tuple[str, Any]], tag: dict[str, str], source: str, shape: ModuleType, show: Any
    ) -> Answer:
        names = [name for name, _ in rows]
        if not rows or len(rows) > self.teacher.plan.batches.most_rows or len(set(names)) != len(names):
            return _json(*shape.bad_request("requests: empty, too many, or custom_id not unique"))
        plan, number = self.teacher.plan, self.submitted
        self.submitted += 1
        throw = dice(plan.seed, "job", number)
        hours = throw.uniform(*plan.batches.hours)
        now = self.teacher.wall()
        job = Job(
            f"{'msgbatch' if api == 'anthropic' else 'batch'}_{number:06d}",
            api,
            rows,
            now,
            hours * 3600,
            tag,
            now + plan.batches.hidden_s,
            source,
        )
        self.all[job.name] = job
        lost = throw.random() < plan.batches.lost_replies
        answer = Answer(manner="reset-before") if lost else _json(200, show(job))
        row = Row(
            number,
            "submit",
            self.teacher.now(),
            api,
            job.name,
            "",
            json.dumps(tag) if tag else None,
            0,
            outcome="lost" if lost else "reply",
            status=200,
            batch=job.name,
            rows=len(rows),
        )

        def done(written: bool) -> None:
            row.written, row.ended = written, self.teacher.now()
            self.teacher.record.add(row)

        answer.done = done
        return answer

    def _page(self, request: Request, api: str, show: Any) -> Answer:
        now = self.teacher.wall()
        jobs = [job for job in reversed(self.all.values()) if job.api == api and job.listed <= now]
        after = request.query.get("after") or request.query.get("after_id")
        if after:
            names = [job.name for job in jobs]
            jobs = jobs[names.index(after) + 1 :] if after in names else []
        size = int(request.query.get("limit", self.teacher.plan.batches.page))
        page = [show(job) for job in jobs[:size]]
        return _json(
            200,
            {
                "object": "list",
                "data": page,
                "has_more": len(jobs) > size,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            },
        )

    def _cancel(self, job: Job) -> None:
        if not job.settled and job.cancelled is None:
            job.cancelled = self.teacher.wall() + 60

    def _so_far(self, job: Job) -> int:
        return int(len(job.rows) * min(1.0, (self.teacher.wall() - job.made) / job.takes))

    def _settle(self, job: Job) -> None:
        """Answer the rows of a job whose time is over; those that were not reached expire or are cancelled."""
        if job.settled or self.teacher.wall() < job.ends:
            return
        share = min(1.0, (job.ends - job.made) / job.takes)
        reached = int(len(job.rows) * share + 1e-6)
        lines: dict[str, list[bytes]] = {"output": [], "error": []}
        counts = {"succeeded": 0, "errored": 0, "expired": 0, "canceled": 0}
        for n, (name, body) in enumerate(job.rows):
            late = "canceled" if job.cancelled is not None else "expired"
            outcome, line, error = self._row(job, name, body, late if n >= reached else None)
            counts[outcome] += 1
            lines["error" if error else "output"].append(json.dumps(line).encode() + b"\n")
        for kind, some in lines.items():
            # No provider promises the order of the results.
            dice(self.teacher.plan.seed, "order", job.name, kind).shuffle(some)
            job.lines[kind] = b"".join(some)
            if job.api == "openai" and some:
                self.files[f"{job.name}-{kind}"] = ("batch_output", job.lines[kind], job.ends)
        if job.api == "anthropic":
            both = lines["output"] + lines["error"]
            dice(self.teacher.plan.seed, "order", job.name).shuffle(both)
            job.lines["output"] = b"".join(both)
        job.counts, job.settled = counts, True

    def _row(self, job: Job, name: str, body: Any, late: str | None) -> tuple[str, dict[str, Any], bool]:
        teacher, plan = self.teacher, self.teacher.plan
        shape = teacher.shape(job.api)
        row = teacher.row("row", self.submitted, teacher.now(), shape, body, name)
        row.attempt, row.batch, row.outcome = teacher.attempts[row.unit], job.name, "reply"
        teacher.attempts[row.unit] += 1
        throw = dice(plan.seed, "row", row.unit, row.attempt)
        why = late
        if why is None and throw.random() < plan.batches.expired:
            why = "expired"
        if why is None and (shape.wrong(body) is not None or throw.random() < plan.batches.errored):
            why = "errored"
        if why is not None:
            row.outcome = why
            teacher.record.add(row)
            return why, _failed(job.api, name, why, shape, body), True
        said = teacher.said(row, body, shape)
        bill = replace(shape.reckon(body, teacher.prefixes, row.at)[0], out=tokens(said.text or ""))
        row.content, row.tracer, row.usable, row.status = said.kind, said.tracer, said.usable, 200
        row.paid = row.written = True
        row.tokens_in, row.tokens_read, row.tokens_stored, row.tokens_out = bill.fresh, bill.read, bill.stored, bill.out
        teacher.record.add(row)
        made = shape.reply(body, said, bill, f"{row.unit}{row.attempt}", int(job.ends))
        if job.api == "anthropic":
            return "succeeded", {"custom_id": name, "result": {"type": "succeeded", "message": made}}, False
        return (
            "succeeded",
            {
                "id": f"batch_req_{row.unit}",
                "custom_id": name,
                "error": None,
                "response": {"status_code": 200, "request_id": row.unit, "body": made},
            },
            False,
        )


def _failed(api: str, name: str, why: str, shape: ModuleType, body: Any) -> dict[str, Any]:
    if api == "anthropic":
        result: dict[str, Any] = {"type": why}
        if why == "errored":
            result["error"] = shape.error("500", body)[1]
        return {"custom_id": name, "result": result}
    if why == "errored":
        status, problem = shape.error("500", body)
        return {
            "id": f"batch_req_{name}",
            "custom_id": name,
            "error": None,
            "response": {"status_code": status, "request_id": name, "body": problem},
        }
    code = "batch_expired" if why == "expired" else "batch_cancelled"
    message = "This request could not be executed before the completion window expired."
    return {"id": f"batch_req_{name}", "custom_id": name, "response": None, "error": {"code": code, "message": message}}


def _problem(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def _json(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _date(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat()
