"""Who reads the rollouts of an experiment → the stages that read them. Asks nobody; knows no arms and no report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from midspec.core.errors import RecipeError
from midspec.core.recipe import Recipe
from midspec.core.score import Reading, Responses
from midspec.evals._eval import Eval
from midspec.evals.borrowed import Borrowed
from midspec.evals.rollout import Rollout
from midspec.library.acts import Acts, acts_of, load_acts
from midspec.library.labelled import LabelledTranscripts
from midspec.models.model import Model
from midspec.report.grades import explained
from midspec.stages.calibrate import Calibrate
from midspec.stages.grade_transcripts import GradeTranscripts
from midspec.stages.read_reasons import ReadReasons
from midspec.stages.transcribe import Transcribe

REASONS = ("grader", "expressions", "nobody")


@dataclass(frozen=True)
class Read:
    """``reasons`` None: nobody names them. ``known`` None: nothing is known of the grader's errors."""

    grades: GradeTranscripts
    reasons: ReadReasons | None
    known: Calibrate | None

    @property
    def stages(self) -> tuple[Recipe[Any], ...]:
        return tuple(stage for stage in (self.grades, self.reasons, self.known) if stage is not None)


@dataclass(frozen=True, kw_only=True)
class Graders:
    """``grader`` reads every transcript of the experiment's rollouts, ``second`` a ``share`` of them as well.

    ``labelled`` transcripts (``load_labelled()``) measure the grader first, and rates are then also given with its
    errors taken out; None leaves them as the grader saw them. ``reasons`` are named by the "grader", by "expressions"
    (weak, see docs/grading.md) or by "nobody". ``acts`` None: those of the scenario files, for borrowed situations the
    shipped ones. ``seed`` draws the marks and the share.
    """

    grader: Model
    second: Model | None = None
    share: float = 0.2
    labelled: LabelledTranscripts | None = None
    reasons: str = "grader"
    acts: Acts | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.reasons not in REASONS:
            raise RecipeError(f"Graders: reasons={self.reasons!r} is not one of {', '.join(REASONS)}")

    def explain(self) -> tuple[Reading, ...]:
        """What each verdict means, for the report."""
        return explained()

    def read(self, by: Eval, responses: Recipe[Responses]) -> Read | None:
        """The stages that read what a model answered to this eval; None where it gives no transcripts."""
        if not isinstance(by, Rollout | Borrowed):
            return None
        acts = self.acts or (acts_of(by.scenarios) if isinstance(by, Rollout) else load_acts())
        kept = Transcribe(responses=responses, by=by)
        named = None if self.reasons == "nobody" else ReadReasons(
            transcripts=kept, acts=acts, grader=self.grader if self.reasons == "grader" else None, seed=self.seed)
        known = None if self.labelled is None else Calibrate(
            grader=self.grader, labelled=self.labelled, acts=self.acts or load_acts(), seed=self.seed)
        return Read(GradeTranscripts(transcripts=kept, acts=acts, grader=self.grader, second=self.second,
                                     share=self.share, seed=self.seed), named, known)


def gives_transcripts(by: Eval) -> bool:
    """Whether graders can read what models answer to this eval."""
    return isinstance(by, Rollout | Borrowed)
