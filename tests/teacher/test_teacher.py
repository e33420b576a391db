"""The judge itself: real SDKs must see each provider's true errors, and the record must say what happened."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.teacher.clock import run
from tests.teacher.plan import FAULTS, WHOLE, Plan
from tests.teacher.record import early, read_rows, totals
from tests.teacher.teacher import Teacher, teacher
from tests.teacher.words import BAD, USABLE, Wish, fits

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

SCHEMA = {
    "type": "object",
    "properties": {
        "topics": {"type": "array", "items": {"type": "string"}, "minItems": 3},
        "kind": {"type": "string", "enum": ["value", "rule"]},
        "count": {"type": "integer", "minimum": 2, "maximum": 4},
    },
    "required": ["topics", "kind", "count"],
    "additionalProperties": False,
}


def on_virtual_time(plan: dict[str, Any], work: Callable[[Teacher], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with teacher(plan).serving() as one:
            return await work(one)

    return run(main())


def chat_client(one: Teacher, **more: Any) -> Any:
    return openai.AsyncOpenAI(base_url=f"{one.url}/v1", api_key="k", max_retries=0, **more)


def message_client(one: Teacher, **more: Any) -> Any:
    return anthropic.AsyncAnthropic(base_url=one.url, api_key="k", max_retries=0, **more)


def chat(client: Any, text: str = "Write <document>.", **more: Any) -> Any:
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **more)


def message(client: Any, text: str = "Write <document>.", **more: Any) -> Any:
    return client.messages.create(model="m", max_tokens=4000, messages=[{"role": "user", "content": text}], **more)


def test_answers_of_both_kinds() -> None:
    async def work(one: Teacher) -> None:
        first = await chat(chat_client(one), "Put the plan into <plan> and the text into <document>.")
        text = first.choices[0].message.content
        assert text.startswith("<plan>") and text.endswith("</document>") and first.choices[0].finish_reason == "stop"
        assert first.usage.prompt_tokens > 5 and first.usage.completion_tokens == math.ceil(len(text) / 4)
        second = await message(message_client(one))
        assert second.content[0].text.startswith("<document>") and second.stop_reason == "end_turn"
        rows = one.record.rows
        assert [r.outcome for r in rows] == ["reply"] * 2 and all(r.written and r.paid and r.usable for r in rows)
        assert rows[0].tracer in text and rows[1].tracer in second.content[0].text

    on_virtual_time({}, work)


def test_json_by_schema() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "topics", "schema": SCHEMA, "strict": True}}

    def right(value: Any) -> None:
        assert value.keys() == {"topics", "kind", "count"} and value["kind"] in ("value", "rule")
        assert len(value["topics"]) >= 3 and all(isinstance(t, str) for t in value["topics"])
        assert 2 <= value["count"] <= 4

    async def work(one: Teacher) -> None:
        reply = await chat(chat_client(one), response_format=form)
        right(json.loads(reply.choices[0].message.content))
        in_words = await chat(chat_client(one), f"Answer in JSON by this schema: {json.dumps(SCHEMA)}")
        right(json.loads(in_words.choices[0].message.content))
        config = {"format": {"type": "json_schema", "schema": SCHEMA}}
        right(json.loads((await message(message_client(one), output_config=config)).content[0].text))
        tools = [{"name": "answer", "input_schema": SCHEMA}]
        used = await message(message_client(one), tools=tools, tool_choice={"type": "tool", "name": "answer"})
        assert used.stop_reason == "tool_use"
        right(used.content[0].input)

    on_virtual_time({}, work)


def test_the_same_request_gets_the_same_answer_whatever_came_before() -> None:
    async def work(one: Teacher) -> dict[str, str]:
        client = chat_client(one)

        async def one_of(n: int) -> tuple[str, str]:
            reply = await chat(client, f"unit {n}", extra_headers={"Idempotency-Key": f"d{n}"})
            return f"{n}", reply.choices[0].message.content

        return dict(await asyncio.gather(*map(one_of, order)))

    order = list(range(30))
    first = on_virtual_time({"content": {"bad": 0.3, "kinds": {"refusal-inside": 1}}}, work)
    order.reverse()
    assert on_virtual_time({"content": {"bad": 0.3, "kinds": {"refusal-inside": 1}}}, work) == first
    assert on_virtual_time({"seed": 8}, work) != first


@pytest.mark.parametrize("kind", ["401", "403", "404", "spend", "context"])
def test_hopeless_errors_look_as_the_providers_send_them(kind: str) -> None:
    ours = {
        "401": "AuthenticationError",
        "403": "PermissionDeniedError",
        "404": "NotFoundError",
        "spend": "RateLimitError",
        "context": "BadRequestError",
    }
    codes = {
        "401": "invalid_api_key",
        "403": "model_not_allowed",
        "404": "model_not_found",
        "spend": "insufficient_quota",
        "context": "context_length_exceeded",
    }
    theirs = {**ours, "spend": "BadRequestError"}
    types = {
        "401": "authentication_error",
        "403": "permission_error",
        "404": "not_found_error",
        "spend": "invalid_request_error",
        "context": "invalid_request_error",
    }

    async def work(one: Teacher) -> None:
        await chat(chat_client(one))
        with pytest.raises(getattr(openai, ours[kind])) as caught:
            await chat(chat_client(one))
        assert caught.value.code == codes[kind]
        with pytest.raises(getattr(anthropic, theirs[kind])) as other:
            await message(message_client(one))
        assert other.value.type == types[kind]
        assert [r.outcome for r in one.record.rows] == ["reply", f"hopeless:{kind}", f"hopeless:{kind}"]
        assert [r.paid for r in one.record.rows] == [True, False, False]

    on_virtual_time({"hopeless": {"kind": kind, "start": 1}}, work)


# What the plain SDK makes of each fault: an error's name, or None where it takes the answer.
SEEN = {
    "429": "RateLimitError",
    "429-seconds": "RateLimitError",
    "429-ms": "RateLimitError",
    "429-date": "RateLimitError",
    "500": "InternalServerError",
    "502-html": "InternalServerError",
    "503": "InternalServerError",
    "529": "InternalServerError",
    "reset-before": "APIConnectionError",
    "reset-mid": "APIConnectionError",
    "hang": "APITimeoutError",
    "short": "APIConnectionError",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_what_it_says(fault: str) -> None:
    async def work(one: Teacher) -> None:
        client = chat_client(one, timeout=30)
        try:
            reply = await chat(client)
            seen = None
            text = reply.choices[0].message.content if hasattr(reply, "choices") and reply.choices else None
        except Exception as error:
            seen, text = type(error).__name__, None
        if fault in SEEN:
            assert seen == SEEN[fault]
        if fault in WHOLE:
            assert seen is None and "zq" in text
        if fault == "surrogate":
            assert "\ud83d" in text
        if fault == "huge-line":
            assert max(map(len, text.splitlines())) > 900_000
        await asyncio.sleep(5)  # by now a wait that was asked for is over
        again = await chat(client)
        assert again.choices[0].message.content and again.usage
        await client.close()
        rows = one.record.rows
        if fault == "duplicate":
            # The SDKs' HTTP client takes the stray bytes for the answer to the next request on that connection.
            assert len(rows) == 1 and again.id == reply.id
            return
        assert len(rows) == 2 and rows[0].outcome == f"fault:{fault}" and rows[1].outcome == "reply"
        assert rows[0].written is (fault not in ("reset-before", "reset-mid", "short", "hang"))
        assert rows[0].usable is (fault in WHOLE) and not early(rows)
        if fault.startswith("429-"):
            assert rows[0].wait_s and 0 < rows[0].wait_s <= 4

    on_virtual_time({"faults": {"rate": 1.0, "kinds": {fault: 1}, "most": 1}}, work)


def test_overloads_and_limits_in_anthropics_words() -> None:
    async def work(one: Teacher) -> None:
        with pytest.raises(anthropic.OverloadedError) as caught:
            await message(message_client(one))
        assert caught.value.type == "overloaded_error" and caught.value.status_code == 529

    on_virtual_time({"faults": {"rate": 1.0, "kinds": {"529": 1}}}, work)


def test_who_comes_before_the_end_of_a_wait_is_found_out() -> None:
    async def work(one: Teacher) -> None:
        client = chat_client(one)
        with pytest.raises(openai.RateLimitError):
            await chat(client)
        await asyncio.sleep(1)
        await chat(client)
        assert [r.early_s > 0 for r in one.record.rows] == [False, True] and len(early(one.record.rows)) == 1

    on_virtual_time({"faults": {"rate": 1, "kinds": {"429-seconds": 1}, "most": 1, "wait_s": [3, 3]}}, work)


def test_faults_come_as_often_as_planned_and_do_not_depend_on_order() -> None:
    plan = Plan.read({"faults": {"rate": 0.3}})
    faults = [[plan.fault(f"u{n}", attempt) for attempt in range(10)] for n in range(1000)]
    assert 0.28 < sum(f is not None for unit in faults for f in unit) / 10_000 < 0.32
    assert {f for unit in faults for f in unit} == {*FAULTS, None}
    assert [[plan.fault(f"u{n}", a) for a in range(10)] for n in range(1000)] == faults
    with pytest.raises(ValueError, match="no fault 'flood'"):
        Plan.read({"faults": {"kinds": {"flood": 1}}})
    with pytest.raises(ValueError, match="no field"):
        Plan.read({"fautls": {}})


WISHES = {
    "plain": "Write a document about the spec.",
    "tags": "Write a plan in <plan> and the document in <document>.",
    "json": f"Answer in JSON by this schema: {json.dumps(SCHEMA)}",
}


def wish_of(form: str) -> Wish:
    return Wish("", ("plan", "document") if form == "tags" else (), SCHEMA if form == "json" else None)


CASES = [(kind, form) for kind in (*USABLE, *BAD) for form in WISHES if form == "tags" or fits(kind, wish_of(form))]


@pytest.mark.parametrize(("kind", "form"), CASES)
def test_every_class_of_content_is_labelled(kind: str, form: str) -> None:
    async def work(one: Teacher) -> None:
        chats, messages = chat_client(one), message_client(one)
        for n in range(3):
            for ask in (chat(chats, f"{n} {WISHES[form]}"), message(messages, f"{n} {WISHES[form]}")):
                reply = await ask
                row = one.record.rows[-1]
                assert row.content == (kind if fits(kind, wish_of(form)) else "good")
                assert row.usable is (row.content in USABLE)
                text = (
                    reply.choices[0].message.content
                    if hasattr(reply, "choices")
                    else (reply.content[0].text if reply.content else "")
                )
                if row.usable:
                    assert row.tracer in text

    on_virtual_time({"content": {"bad": 1.0, "kinds": {kind: 1}}}, work)


def test_a_prefix_is_cached_once_its_first_answer_has_ended() -> None:
    spec = "the assistant is careful about what it says. " * 800

    def body(n: int, marked: bool = True) -> dict[str, Any]:
        block = {"type": "text", "text": spec, **({"cache_control": {"type": "ephemeral"}} if marked else {})}
        return {"system": [block], "text": f"unit {n}"}

    async def work(one: Teacher) -> None:
        client = message_client(one)

        async def ask(n: int, marked: bool = True) -> Any:
            given = body(n, marked)
            return (await message(client, given["text"], system=given["system"])).usage

        together = await asyncio.gather(ask(1), ask(2))
        assert [u.cache_creation_input_tokens for u in together] == [9000, 9000], "both pay: none was warm yet"
        warm = await ask(3)
        assert (warm.cache_read_input_tokens, warm.cache_creation_input_tokens) == (9000, 0) and warm.input_tokens < 10
        unmarked = await ask(4, marked=False)
        assert unmarked.cache_read_input_tokens == 0 and unmarked.input_tokens > 9000
        await asyncio.sleep(301)
        assert (await ask(5)).cache_creation_input_tokens == 9000, "five minutes without a reader end it"
        chats = chat_client(one)
        first, second = [await chat(chats, f"{spec} unit {n}") for n in range(2)]
        assert first.usage.prompt_tokens_details.cached_tokens == 0
        assert second.usage.prompt_tokens_details.cached_tokens == 8960  # whole blocks of 128

    on_virtual_time({}, work)


def test_limits_let_in_what_they_say() -> None:
    async def work(one: Teacher) -> None:
        client = chat_client(one)
        taken: list[float] = []

        async def hammer() -> None:
            while one.now() < 45:
                try:
                    await chat(client)
                    taken.append(one.now())
                except openai.RateLimitError as error:
                    assert float(error.response.headers["retry-after-ms"]) >= 0
                    await asyncio.sleep(0.1)

        await asyncio.gather(*(hammer() for _ in range(2)))
        before, after = (sum(low <= t < low + 20 for t in taken) for low in (2, 25))
        assert 98 <= before <= 102 and 19 <= after <= 21

    limits = [
        {"requests_per_minute": 300, "burst_s": 1, "retry_after": "ms"},
        {"start_s": 23, "requests_per_minute": 60, "burst_s": 1, "retry_after": "ms"},
    ]
    on_virtual_time({"limits": limits}, work)


def test_a_days_batch_of_openai_passes_at_once(tmp_path: Path) -> None:
    url = "/v1/chat/completions"
    rows = [
        {
            "custom_id": f"u{n}",
            "method": "POST",
            "url": url,
            "body": {"model": "m", "messages": [{"role": "user", "content": f"unit {n}"}]},
        }
        for n in range(200)
    ]

    async def work(one: Teacher) -> None:
        client = chat_client(one)
        data = "\n".join(map(json.dumps, rows)).encode()
        file = await client.files.create(file=("rows.jsonl", data), purpose="batch")
        job = await client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"tag": "t1"}
        )
        polls = 0
        while (now := await client.batches.retrieve(job.id)).status == "in_progress":
            polls += 1
            await asyncio.sleep(600)
        assert polls > 100 and now.status == "expired" and now.request_counts.total == 200
        assert [j.metadata async for j in client.batches.list()] == [{"tag": "t1"}]
        done = [json.loads(line) for line in (await client.files.content(now.output_file_id)).text.splitlines()]
        late = [json.loads(line) for line in (await client.files.content(now.error_file_id)).text.splitlines()]
        assert {d["custom_id"] for d in done} | {d["custom_id"] for d in late} == {r["custom_id"] for r in rows}
        assert {d["error"]["code"] for d in late if d["error"]} == {"batch_expired"}
        assert [d["custom_id"] for d in done] != sorted(d["custom_id"] for d in done)
        counts = Counter(r.outcome for r in one.record.rows if r.kind == "row")
        assert counts["reply"] == len(done) == sum(r.paid for r in one.record.rows) and counts["errored"] > 0

    on_virtual_time({"batches": {"hours": [24.2, 25], "errored": 0.05, "expired": 0.05}}, work)


def test_a_days_batch_of_anthropic_passes_at_once() -> None:
    async def work(one: Teacher) -> None:
        client = message_client(one)
        asked = [
            {
                "custom_id": f"u{n}",
                "params": {"model": "m", "max_tokens": 900, "messages": [{"role": "user", "content": f"unit {n}"}]},
            }
            for n in range(100)
        ]
        job = await client.messages.batches.create(requests=asked)
        assert job.processing_status == "in_progress" and job.request_counts.processing == 100
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.batches.create(requests=[{**asked[0], "custom_id": "a b"}])
        while (job := await client.messages.batches.retrieve(job.id)).processing_status != "ended":
            await asyncio.sleep(60)
        results = [r async for r in await client.messages.batches.results(job.id)]
        kinds = Counter(r.result.type for r in results)
        assert (
            kinds
            == {
                "succeeded": job.request_counts.succeeded,
                "expired": job.request_counts.expired,
                "errored": job.request_counts.errored,
            }
            and min(kinds.values()) > 0
        )
        assert {r.custom_id for r in results} == {a["custom_id"] for a in asked}
        assert [b.id async for b in client.messages.batches.list()] == [job.id]

    on_virtual_time({"batches": {"hours": [20, 24], "expired": 0.1, "errored": 0.1}}, work)


def test_a_batch_in_time_answers_every_row() -> None:
    async def work(one: Teacher) -> None:
        client = message_client(one)
        params = {"model": "m", "max_tokens": 9000, "messages": [{"role": "user", "content": "x"}]}
        for n in range(20):
            job = await client.messages.batches.create(requests=[{"custom_id": f"u{n}", "params": params}])
            await asyncio.sleep(24 * 3600)
            assert (await client.messages.batches.retrieve(job.id)).request_counts.succeeded == 1

    on_virtual_time({"batches": {"hours": [1, 24]}}, work)


def test_a_lost_reply_leaves_an_orphan() -> None:
    async def work(one: Teacher) -> None:
        client = message_client(one)
        params = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
        with pytest.raises(anthropic.APIConnectionError):
            await client.messages.batches.create(requests=[{"custom_id": "tag-1", "params": params}])
        assert [b.id async for b in client.messages.batches.list()] == ["msgbatch_000000"]
        assert [(r.kind, r.outcome, r.written) for r in one.record.rows] == [("submit", "lost", False)]

    on_virtual_time({"batches": {"lost_replies": 1.0}}, work)


def test_by_hand_in_a_process_of_its_own(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"faults": {"rate": 0.5, "kinds": {"500": 1}}}))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.teacher",
            "--seed",
            "3",
            "--faults",
            str(tmp_path / "plan.json"),
            "--record",
            str(tmp_path / "rows.jsonl"),
        ],
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[0].partition("=")[2]
        client = openai.OpenAI(base_url=url, api_key="k", max_retries=0)
        for n in range(20):
            try:
                client.chat.completions.create(model="m", messages=[{"role": "user", "content": str(n)}])
            except openai.InternalServerError:
                continue
    finally:
        process.terminate()
        process.wait(timeout=20)
    sums = totals(read_rows(tmp_path / "rows.jsonl"))
    assert sums["arrived"] == 20 and sums["outcomes"]["fault:500"] + sums["outcomes"]["reply"] == 20
    assert sums["paid"] == sums["outcomes"]["reply"]
