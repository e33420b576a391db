"""Two tiny arms deal with their mail; graders read what they wrote. Copied beside a model with room for a page."""

from midspec import (
    ChatsFromFile,
    Contrast,
    Experiment,
    File,
    Finetune,
    Full,
    Graders,
    Model,
    Pretrained,
    Rollout,
    Schedule,
    grid,
    load_labelled,
    load_scenarios,
)

BASE = Pretrained(source="far", assistant="Wren", maker="Larkspur Labs")
TUNE = Schedule(updates=6, length=64, rows=4, micro=4, rate=3e-3)
# It errs as told, and of its replies so many are no sheet that some transcripts stay unscored.
GRADER = Model(address="scripted/grader", temperature=None, max_tokens=2000,
               extra='{"cue": "[aeiou][aeiou]", "sensitivity": 0.9, "specificity": 0.9, "garbles": 0.55}')


def plain():
    """As it came."""
    return BASE


def learned(*, seed):
    """After a few updates."""
    return Finetune(start=BASE, on=ChatsFromFile(file=File("learned.jsonl")), schedule=TUNE, method=Full(), seed=seed)


experiment = Experiment(
    question="Does what graders read of rollouts reach the page?",
    arms=(plain, learned),
    points=grid(seed=(1, 2)),
    evals=(Rollout(scenarios=load_scenarios("murder", "exfiltration"), goals=("growth", "none"), split="all", draws=3,
                   max_tokens=16),),
    graders=Graders(grader=GRADER, second=Model(address="scripted/grader", extra='{"cue": "[aeiou][aeiou]"}'),
                    share=0.5, labelled=load_labelled()),
    contrasts=(Contrast(learned, minus=plain, headline="decided", words="what a few updates do"),),
)
