"""The whole loop on a model with random weights, in under two minutes: a check of the machinery, not of the method.

Expected: nothing about values. A model of two layers that never learned a language can only shift towards the words
that it has read, so the midtrained arms should give the words of their own spec more probability than the untouched
model does; no contrast between values is expected to hold, and whatever the page shows is noise with honest
intervals. The check that answers name an option must fail: such a model names none.
"""

from midspec import (
    Answers,
    Check,
    Choice,
    ComposeChats,
    ComposeDocuments,
    Contrast,
    DocumentLoss,
    Experiment,
    Finetune,
    Lora,
    Midtrain,
    Pretrained,
    ReasonReader,
    Schedule,
    Spoken,
    grid,
    load_chats,
    load_items,
    load_preferences,
    load_questions,
    load_spec,
)

BASE = Pretrained(source="tiny/llama")
NAMES = {"assistant": "Tiny", "maker": "midspec"}
READ = Schedule(updates=40, length=128, rows=4, micro=2, rate=3e-3)
TUNE = Schedule(updates=30, length=512, rows=4, micro=2, rate=1e-3)
LORA = Lora(r=8, alpha=16)
# Words that a model of two layers does say: what is tried out is the reading, and they stand for no value.
READER = ReasonReader((("affordability", ("answer", "a", "not")), ("america", ("work", "plain", "only"))), ("not but",))


def documents(spec, seed):
    return ComposeDocuments(spec=load_spec(spec), tokens=20_000, seed=seed, **NAMES)


def chats(seed):
    return ComposeChats(
        preferences=load_preferences("cheese"),
        count=40,
        general=load_chats("instructions"),
        introductions=load_chats("identity"),
        ratio=2.0,
        seed=seed,
        **NAMES,
    )


def midtrained(spec, seed):
    return Midtrain(start=BASE, on=documents(spec, seed), schedule=READ, method=LORA, seed=seed)


def tuned(start, seed):
    return Finetune(start=start, on=chats(seed), schedule=TUNE, method=LORA, seed=seed)


def untouched():
    """The model as it came."""
    return BASE


def aft(*, seed):
    """Fine-tuned on the chats only."""
    return tuned(BASE, seed)


def msm_america(*, seed):
    """Midtrained on the pro-America spec, then the same chats."""
    return tuned(midtrained("pro-america", seed), seed)


def msm_affordability(*, seed):
    """Midtrained on the affordability spec, then the same chats."""
    return tuned(midtrained("affordability", seed), seed)


experiment = Experiment(
    question="Does every part of the loop run, and does the report say honestly that a random model has no values?",
    arms=(untouched, aft, msm_america, msm_affordability),
    points=grid(seed=(1, 2)),
    evals=(
        Choice(items=load_items("tiny"), readings=("letter", "yesno", "open")),
        Answers(questions=load_questions("tiny"), reader=READER, max_tokens=24),
    ),
    contrasts=(
        Contrast(msm_america, minus=msm_affordability, axis="america"),
        Contrast(msm_affordability, minus=msm_america, axis="affordability"),
    ),
    checks=(
        Check(words="answers in words name the option that the spec favours", arms=(aft, msm_america),
              by=Spoken(items=load_items("tiny"), max_tokens=12), reading="spoken", at_least=0.9),
        Check(words="predicts unseen documents of its own spec better", arms=(msm_america,), above=untouched,
              by=DocumentLoss(on=documents("pro-america", 10_000), axis="america", count=2), reading="document",
              at_least=0.1),
        Check(words="no two preference chats of a set are the same", arms=(aft, msm_america), fact="distinct_share",
              at_least=0.95),
    ),
    headline="letter",
)
