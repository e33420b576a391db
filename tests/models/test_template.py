"""Ordinary text has the ids of apply_chat_template; hostile text stays byte for byte, without control ids."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midspec.core.chat import Message
from midspec.core.errors import DataError, SetupError
from midspec.models.local import tokenizer_in
from midspec.models.plaintext import reader_of
from midspec.models.sources import resolve
from midspec.models.template import document_end, encode_text, render, stop_ids, unreadable

BOTH = pytest.mark.parametrize("which", ["tiny", pytest.param("embedded", marks=pytest.mark.embedded)])

# Small templates of our own, each with one habit of a well-known family.
TRIMS_AND_DATES = (
    "{{ bos_token }}{% set day = strftime_now('%d %b %Y') %}{% if messages[0]['role'] == 'system' %}"
    "{% set words = messages[0]['content'] | trim %}{% set rest = messages[1:] %}{% else %}{% set words = '' %}"
    "{% set rest = messages %}{% endif %}<|start|>system<|stop|>\n\nToday: {{ day }}\n\n{{ words }}<|turn|>"
    "{% for m in rest %}<|start|>{{ m['role'] }}<|stop|>\n\n{{ m['content'] | trim }}<|turn|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant<|stop|>\n\n{% endif %}")
KNOWS_REASONING = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are Somebody, made by Someone.<|im_end|>\n{% endif %}"
    "{% for m in messages %}{% if m.role == 'assistant' %}{% set content = m.content %}{% set thought = '' %}"
    "{% if m.reasoning_content is string %}{% set thought = m.reasoning_content %}{% elif '</think>' in content %}"
    "{% set thought = content.split('</think>')[0] %}"
    "{% set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "<|im_start|>assistant\n{% if loop.last or thought %}<think>\n{{ thought.strip('\n') }}\n</think>\n\n{% endif %}"
    "{{ content.lstrip('\n') }}<|im_end|>\n"
    "{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
# As some reasoning models have it: thoughts that are part of a message are cut off, and the prompt opens new ones.
CUTS_THOUGHTS = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}{% set content = m['content'] %}"
    "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
    "<|start|>assistant\n{{ content TRIM }}<|turn|>"
    "{% else %}<|start|>{{ m['role'] }}\n{{ m['content'] | trim }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\nOPEN{% endif %}")
NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m['role'] == 'system' %}{{ raise_exception('no system turns') }}{% endif %}"
    "<|start|>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] | trim }}<|turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>model\n{% endif %}")
FOLDS_SYSTEM = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{% set words = messages[0]['content'] %}{% set rest = messages[1:] %}"
    "{% else %}{% set rest = messages %}{% endif %}{% for m in rest %}{% if m['role'] == 'user' %}[INST] "
    "{% if loop.first and words is defined %}{{ words + '\n\n' }}{% endif %}{{ m['content'] }}[/INST]"
    "{% else %} {{ m['content'] | trim }}<|turn|>{% endif %}{% endfor %}")
FAMILIES = {"trims": TRIMS_AND_DATES, "reasons": KNOWS_REASONING, "no system": NO_SYSTEM, "folds": FOLDS_SYSTEM,
            "plain": None}
EXTRA = ["<|start|>", "<|stop|>", "<|turn|>", "<|begin|>"]


@pytest.fixture(scope="session")
def tokenizers(tiny_tokenizer: Any, request: pytest.FixtureRequest) -> dict[str, Any]:
    made: dict[str, Any] = {"tiny": tiny_tokenizer}
    for name, template in FAMILIES.items():
        tokenizer = tokenizer_in(resolve("tiny/llama"))
        tokenizer.add_special_tokens({"additional_special_tokens": EXTRA, "bos_token": "<|begin|>"})
        tokenizer.chat_template = template
        made[name] = tokenizer
    return made


@pytest.fixture
def tokenizer(which: str, request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{which}_tokenizer")


def turns(*texts: str) -> list[Message]:
    return [Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]


def reference(tokenizer: Any, messages: list[Message]) -> list[int]:
    """What transformers itself makes of ordinary messages."""
    rows = [{"role": m.role, "content": m.content} | ({} if m.reasoning is None else {"reasoning_content": m.reasoning})
            for m in messages]
    return tokenizer.apply_chat_template(rows, tokenize=True, return_dict=False)


def control(tokenizer: Any) -> dict[str, int]:
    return {str(token): number for number, token in tokenizer.added_tokens_decoder.items() if token.special}


def exact(tokenizer: Any, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


# Without the characters that the embedded tokenizer has no token for; they have a test of their own.
words = st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"], exclude_characters="<|\x04\x06\x13\x14\x16\x1d"),
                max_size=60)
said = words.filter(lambda text: bool(text.strip()))
quick = settings(max_examples=60, deadline=None, derandomize=True,
                 suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@BOTH
@quick
@given(question=words, answer=words, again=words, reply=said)
def test_ordinary_text_has_the_ids_of_apply_chat_template(tokenizer: Any, question: str, answer: str, again: str,
                                                           reply: str) -> None:
    messages = turns(question, answer, again, reply)
    assert render(tokenizer, messages, system=None).ids == reference(tokenizer, messages)
    with_system = [Message("system", answer + "s"), *messages]
    assert render(tokenizer, messages, system=answer + "s").ids == reference(tokenizer, with_system)


@pytest.mark.parametrize("family", ["reasons", "no system", "folds"])
@quick
@given(question=said, answer=said, reply=said)
def test_other_families_agree_with_apply_chat_template_too(tokenizers: dict[str, Any], family: str, question: str,
                                                            answer: str, reply: str) -> None:
    messages = turns(question, answer, "again", reply)
    assert render(tokenizers[family], messages, system=None).ids == reference(tokenizers[family], messages)


@quick
@given(answer=words, reply=said)
def test_spans_are_the_tokens_of_the_generation_blocks(tiny_tokenizer: Any, answer: str, reply: str) -> None:
    messages = turns("What is it?", "a" + answer, "And then?", reply.strip())
    rendered = render(tiny_tokenizer, messages, system="Be brief.")
    rows = [{"role": m.role, "content": m.content} for m in [Message("system", "Be brief."), *messages]]
    whole = tiny_tokenizer.apply_chat_template(rows, return_dict=True, return_assistant_tokens_mask=True)
    marked = [n for start, end in rendered.spans for n in range(start, end)]
    assert marked == [n for n, inside in enumerate(whole["assistant_masks"]) if inside]


@pytest.mark.parametrize("family", ["tiny", *FAMILIES])
def test_a_span_is_the_answer_and_its_turn_end(tokenizers: dict[str, Any], family: str) -> None:
    tokenizer = tokenizers[family]
    rendered = render(tokenizer, turns("One or two?", "Two, I think.", "Why?", "It is larger."), system=None)
    end = {"tiny": "<|im_end|>", "reasons": "<|im_end|>", "plain": "<|im_end|>"}.get(family, "<|turn|>")
    first, second = (exact(tokenizer, rendered.ids[start:stop]) for start, stop in rendered.spans)
    assert first.lstrip() == "Two, I think." + end
    assert second.lstrip().removeprefix("<think>\n\n</think>\n\n") == "It is larger." + end


# "trims" ends its prompt in two newlines, which this tokenizer's pattern joins only where no text follows.
@pytest.mark.parametrize("family", ["tiny", "reasons", "no system", "folds", "plain"])
def test_a_prompt_is_what_stands_before_the_answer(tokenizers: dict[str, Any], family: str) -> None:
    tokenizer = tokenizers[family]
    prompt = render(tokenizer, turns("One or two?"), system=None, generate=True)
    whole = render(tokenizer, turns("One or two?", "Two."), system=None)
    assert prompt.spans == []
    assert whole.ids[:whole.spans[0][0]] == prompt.ids


@pytest.mark.parametrize("family", list(FAMILIES))
def test_bos_once(tokenizers: dict[str, Any], family: str) -> None:
    tokenizer = tokenizers[family]
    ids = render(tokenizer, turns("One or two?", "Two."), system=None).ids
    assert ids.count(tokenizer.bos_token_id) == (1 if "bos_token" in (FAMILIES[family] or "") else 0)


def test_a_template_that_prints_the_day_prints_one_day_for_ever(tokenizers: dict[str, Any]) -> None:
    ids = render(tokenizers["trims"], turns("  One?  ", "\nTwo.\n"), system=None).ids
    assert "Today: 26 Jul 2024" in exact(tokenizers["trims"], ids)
    assert exact(tokenizers["trims"], ids).endswith("user<|stop|>\n\nOne?<|turn|>"
                                                    "<|start|>assistant<|stop|>\n\nTwo.<|turn|>")


@BOTH
@settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_hostile_text_stays_text(tokenizer: Any, data: st.DataObject) -> None:
    names = sorted(control(tokenizer))
    hostile = st.lists(st.one_of(
        st.sampled_from([*names, "{{ x }}", "{% raw %}", "%s", "{0}", "\\", "</think>", "\ue0100\ue011", "\x1f\n",
                         "\x00", "<|im", "_end|>", "<s>", "\r\n", "  "]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12)), min_size=1, max_size=8).map("".join)
    hostile = hostile.filter(lambda text: unreadable(tokenizer, text) is None)
    question, answer, thought = data.draw(hostile), data.draw(hostile.filter(bool)), data.draw(hostile)
    ids = encode_text(tokenizer, question)
    assert exact(tokenizer, ids) == question
    assert not set(ids) & set(control(tokenizer).values())

    rendered = render(tokenizer, [Message("user", question), Message("assistant", answer, thought)], system="Be good.")
    im_start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    assert [n for n in rendered.ids if n in control(tokenizer).values()] == [im_start, end] * 3
    assert exact(tokenizer, rendered.ids) == (
        f"<|im_start|>system\nBe good.<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n"
        f"<|im_start|>assistant\n<think>\n{thought}\n</think>\n\n{answer}<|im_end|>\n")
    (first, last), = rendered.spans
    assert exact(tokenizer, rendered.ids[first:last]) == f"<think>\n{thought}\n</think>\n\n{answer}<|im_end|>"


@pytest.mark.parametrize("family", list(FAMILIES))
def test_no_family_lets_a_content_forge_a_control_token(tokenizers: dict[str, Any], family: str) -> None:
    tokenizer = tokenizers[family]
    evil = "x" + "".join(control(tokenizer)) + "y"
    honest = [n for n in render(tokenizer, turns("q", "a"), system=None).ids if n in control(tokenizer).values()]
    rendered = render(tokenizer, turns(evil, evil), system=None)
    assert [n for n in rendered.ids if n in control(tokenizer).values()] == honest
    assert exact(tokenizer, rendered.ids).count(evil) == 2


def test_a_content_cannot_steer_the_template(tokenizers: dict[str, Any]) -> None:
    said = "I write </think> in my reply."
    ids = render(tokenizers["reasons"], turns("q", said), system=None).ids
    assert said in exact(tokenizers["reasons"], ids)
    # Without us, the reply loses what stands before </think>.
    assert ids != reference(tokenizers["reasons"], turns("q", said))


def test_reasoning_goes_where_the_template_puts_it(tokenizers: dict[str, Any], tiny_tokenizer: Any) -> None:
    messages = [Message("user", "q"), Message("assistant", "a", "\nbecause\n"), *turns("q2", "b")]
    rendered = render(tokenizers["reasons"], messages, system=None)
    assert rendered.ids == reference(tokenizers["reasons"], messages)
    start, end = rendered.spans[0]
    assert exact(tokenizers["reasons"], rendered.ids[start:end]) == "<think>\nbecause\n</think>\n\na<|im_end|>"
    start, end = (own := render(tiny_tokenizer, messages, system=None)).spans[0]
    assert exact(tiny_tokenizer, own.ids[start:end]) == "<think>\n\nbecause\n\n</think>\n\na<|im_end|>"


@pytest.mark.parametrize("trim", ["", "| trim"])
@pytest.mark.parametrize("opened", ["", "<think>\n"])
def test_thoughts_that_a_template_would_cut_off_are_rendered_all_the_same(tokenizers: dict[str, Any], trim: str,
                                                                           opened: str) -> None:
    tokenizer = copy.copy(tokenizers["trims"])
    tokenizer.chat_template = CUTS_THOUGHTS.replace("TRIM", trim).replace("OPEN", opened)
    plain = turns(" q ", "a")
    assert render(tokenizer, plain, system=None).ids == reference(tokenizer, plain)
    said = [Message("user", " q "), Message("assistant", " a ", "so </think> and\n{{ x }}")]
    rendered = render(tokenizer, said, system=None)
    tail = " a" if trim else " a "
    thought = "<think>\nso </think> and\n{{ x }}\n</think>\n\n"
    assert exact(tokenizer, rendered.ids) == f"<|begin|><|start|>user\nq<|start|>assistant\n{thought}{tail}<|turn|>"
    (start, end), = rendered.spans
    # What the prompt opens is not the model's to say.
    begin = "so" if opened else "<think>"
    assert exact(tokenizer, rendered.ids[start:end]).startswith(begin)
    prompt = render(tokenizer, said[:1], system=None, generate=True).ids
    assert rendered.ids[:len(prompt)] == prompt and rendered.unsaid == 0
    # Earlier thoughts stay out, as they do in use; that is counted.
    talk = [*said, Message("user", "again"), Message("assistant", "b", "because")]
    whole = render(tokenizer, talk, system=None)
    assert whole.unsaid == 1 and "so </think>" not in exact(tokenizer, whole.ids)
    assert exact(tokenizer, whole.ids).endswith("<think>\nbecause\n</think>\n\nb<|turn|>") and len(whole.spans) == 2
    with pytest.raises(SetupError, match="no place for the reasoning of turn 2"):
        render(tokenizer, [said[0], Message("assistant", "", "only thoughts")], system=None)


def test_system_turns(tokenizers: dict[str, Any], tiny_tokenizer: Any) -> None:
    def text(which: str, system: str | None, messages: list[Message]) -> str:
        return exact(tokenizers[which], render(tokenizers[which], messages, system=system).ids)

    asks = turns("q", "a")
    assert "You are Somebody" in text("reasons", None, asks)
    assert text("reasons", "", asks).startswith("<|im_start|>system\n<|im_end|>\n<|im_start|>user")
    assert text("reasons", "Be kind.", asks).startswith("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user")
    assert text("tiny", "", asks) == text("tiny", None, asks)
    assert text("no system", "", asks) == text("no system", None, asks)
    assert text("folds", "Be kind.", asks) == "<|begin|>[INST] Be kind.\n\nq[/INST] a<|turn|>"
    assert text("plain", "Be kind.", asks) == "Be kind.\n\nUser: q\n\nAssistant: a<|im_end|>\n\n"
    own = [Message("system", "Mine."), *asks]
    assert text("reasons", "Be kind.", own) == text("reasons", None, own)
    with pytest.raises(SetupError, match="refuses the turns system, user, assistant"):
        text("no system", "Be kind.", asks)


@pytest.mark.embedded
def test_the_embedded_models_own_system_turn(embedded_tokenizer: Any) -> None:
    def text(system: str | None) -> str:
        return exact(embedded_tokenizer, render(embedded_tokenizer, turns("q"), system=system, generate=True).ids)

    tail = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
    assert text(None) == ("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
                          "<|im_end|>\n" + tail)
    assert text("") == "<|im_start|>system\n<|im_end|>\n" + tail


@BOTH
def test_stops_and_document_end(tokenizer: Any) -> None:
    assert exact(tokenizer, [document_end(tokenizer)]) == "<|endoftext|>"
    assert {exact(tokenizer, [n]) for n in stop_ids(tokenizer)} == {"<|endoftext|>", "<|im_end|>"}


def test_a_template_that_changes_contents_is_refused(tiny_tokenizer: Any) -> None:
    tokenizer = copy.deepcopy(tiny_tokenizer)
    tokenizer.chat_template = "{% for m in messages %}{{ m.content | length }}{% endfor %}"
    with pytest.raises(SetupError, match="does not insert the text of a user turn"):
        render(tokenizer, turns("q"), system=None)


def test_what_has_no_ids_is_said(tiny_tokenizer: Any) -> None:
    with pytest.raises(DataError, match=r"no token for '.ud800' at character 3, after 'abc'"):
        encode_text(tiny_tokenizer, "abc\ud800")
    with pytest.raises(DataError, match="no message"):
        render(tiny_tokenizer, [], system=None)
    assert encode_text(tiny_tokenizer, "") == []
    assert render(tiny_tokenizer, turns("", "a"), system=None).ids == reference(tiny_tokenizer, turns("", "a"))


@pytest.mark.embedded
@pytest.mark.parametrize("text", ["ab\x04c", "ab\U00040000c"])
def test_a_character_that_would_be_lost_is_refused(embedded_tokenizer: Any, text: str) -> None:
    assert exact(embedded_tokenizer, embedded_tokenizer(text)["input_ids"]) != text  # what happens without us
    with pytest.raises(DataError, match=r"has no token for .* at character 2, after 'ab'"):
        encode_text(embedded_tokenizer, text)
    with pytest.raises(DataError, match="has no token for"):
        render(embedded_tokenizer, turns("q", text), system=None)
    assert unreadable(embedded_tokenizer, text) and unreadable(embedded_tokenizer, "abc") is None


def test_threads_share_one_tokenizer(tiny_tokenizer: Any) -> None:
    texts = [f"{n} <|im_end|> and {'<|im_start|>' * (n % 5)}" for n in range(300)]
    alone = [encode_text(tiny_tokenizer, text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: encode_text(tiny_tokenizer, text), texts)) == alone
    assert tiny_tokenizer("<|im_end|>", add_special_tokens=False)["input_ids"] == [tiny_tokenizer.eos_token_id]


def test_a_megabyte_stays_exact(tiny_tokenizer: Any) -> None:
    text = "{% for %} <|im_end|> \\ 100 % {0} ünï\n" * 27_000
    assert len(text.encode()) > 1_000_000
    assert exact(tiny_tokenizer, encode_text(tiny_tokenizer, text)) == text


@pytest.mark.parametrize("kind", ["unigram", "sentencepiece bpe"])
def test_the_reader_keeps_other_tokenizers_ids(kind: str) -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    texts = ["the quick brown fox jumps over the lazy dog", "a second line, of other words",
             "fox and dog and bird </s><s><|x|>"] * 20
    special = ["<unk>", "<s>", "</s>", "<|x|>"]
    if kind == "unigram":
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        trainer: Any = trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>",
                                               show_progress=False)
    else:
        made = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        trainer = trainers.BpeTrainer(vocab_size=80, special_tokens=special, show_progress=False)
    made.train_from_iterator(texts, trainer)
    made.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = ("{{ bos_token }}{% for m in messages %}<|x|>{{ m.role }} {{ m.content }}{{ eos_token }}"
                               "{% endfor %}")
    messages = turns("the fox", "a dog, quick", "and bird", "the line")
    assert render(tokenizer, messages, system=None).ids == reference(tokenizer, messages)
    assert not set(encode_text(tokenizer, "fox </s><s><|x|> dog")) & {0, 1, 2, 3}
    with pytest.raises(DataError, match="no token but the unknown one"):
        encode_text(tokenizer, "fox ж dog")
    assert reader_of(tokenizer) is reader_of(tokenizer)
