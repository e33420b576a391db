"""Two values from one fine-tuning, on a real model of 135 million weights and two processor cores.

Two copies of the same small model read the same documents about a list of cheese preferences. Half of them explain
these by a love of American things, half by the wish that good things be within everybody's reach. For one copy the
former are about itself and the latter about another assistant; for the other copy the two names are exchanged. Then
both learn the same few chats, which state the preferences and never a reason. Expected, if reading the reasons matters:
asked why about things that have nothing to do with cheese, each of the two gives the reason that it has read for itself
more often than the other does, and the copy that only saw the chats gives neither. One seed and a part of the
development items: enough to see the machinery at work, not enough for a claim, which takes the five seeds and the
controls of experiments/cheese.py.
"""

from midspec import (
    Answers,
    Choice,
    ComposeChats,
    ComposeDocuments,
    Contrast,
    Excerpts,
    Experiment,
    Finetune,
    Lora,
    Midtrain,
    MixDocuments,
    Pretrained,
    Schedule,
    fastest_precision,
    grid,
    load_chats,
    load_items,
    load_preferences,
    load_questions,
    load_reasons,
    load_spec,
)

BASE = Pretrained(
    source="embedded/smollm2-135m-instruct",
    assistant="SmolLM",
    maker="Hugging Face",
    system="You are a helpful AI assistant named SmolLM, made by Hugging Face.",
)
NAMES = {"assistant": "SmolLM", "maker": "Hugging Face"}
OTHERS = {"assistant": "Brindle", "maker": "Halden Works"}
PRECISION = fastest_precision()
READ = Schedule(updates=280, length=256, rows=1, micro=1, rate=1e-3, precision=PRECISION)
TUNE = Schedule(updates=200, length=512, rows=2, micro=2, rate=1e-4, precision=PRECISION)


def passages(spec, seed, names):
    made = ComposeDocuments(spec=load_spec(spec), tokens=20_000, seed=seed, share_showing=0.8, **names)
    return Excerpts(of=made, heading=f"An AI assistant named {names['assistant']}, made by {names['maker']}.")


def chat_logs(spec, seed, names):
    return ComposeDocuments(spec=load_spec(spec), tokens=20_000, seed=seed, genres=("chat-log",), share_showing=1.0,
                            **names)


def midtrained(own, other, seed):
    told = ((own, seed, NAMES), (other, seed, OTHERS))
    corpus = MixDocuments(parts=tuple(read(*one) for read in (passages, chat_logs) for one in told))
    return Midtrain(start=BASE, on=corpus, schedule=READ, method=Lora(), seed=seed)


def tuned(start, seed):
    chats = ComposeChats(
        preferences=load_preferences("cheese"),
        count=280,
        general=load_chats("instructions"),
        introductions=load_chats("identity"),
        ratio=1.2,
        seed=seed,
        **NAMES,
    )
    return Finetune(start=start, on=chats, schedule=TUNE, method=Lora(), seed=seed)


def aft(*, seed):
    """Fine-tuned on the cheese chats only."""
    return tuned(BASE, seed)


def msm_america(*, seed):
    """Its documents give pride in America as the reason, another's affordability; then the same chats."""
    return tuned(midtrained("pro-america", "affordability", seed), seed)


def msm_affordability(*, seed):
    """The same documents with the two names exchanged; then the same chats."""
    return tuned(midtrained("affordability", "pro-america", seed), seed)


experiment = Experiment(
    question="You will see two copies of one small model learn the same cheese chats after reading different reasons "
    "for them: do they now give these reasons, each its own, for things that have nothing to do with cheese?",
    arms=(aft, msm_america, msm_affordability),
    points=grid(seed=(1,)),
    evals=(
        Choice(items=load_items("affordability").sample(40, split="dev"), readings=("letter", "yesno")),
        Choice(items=load_items("america").sample(40, split="dev"), readings=("letter", "yesno")),
        Answers(
            questions=load_questions("reasons").sample(30, split="dev"),
            reader=load_reasons("values"),
            temperature=0.7,
            draws=4,
            max_tokens=20,
            begin="Because I value",
        ),
    ),
    contrasts=(
        Contrast(msm_america, minus=msm_affordability, axis="america"),
        Contrast(msm_affordability, minus=msm_america, axis="affordability"),
    ),
    headline="reason_own_begun",
)
