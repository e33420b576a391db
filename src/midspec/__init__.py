# pyright: reportUnusedImport=false
"""midspec: Model Spec → documents → midtraining → fine-tuning → evaluation → a report with error bars.

The names below are the whole public API, the same as on the command line; each is imported when it is first
used, so that ``import midspec`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midspec.core.errors import (
        ClaimError,
        DataError,
        MidspecError,
        PromptError,
        ProviderError,
        RecipeError,
        ReplyError,
        SetupError,
        SpecError,
        StoppedError,
    )
    from midspec.core.file import File
    from midspec.core.recipe import Recipe
    from midspec.documents.gate import Checks
    from midspec.documents.tree import Tree
    from midspec.evals.agents.borrowed import load_borrowed
    from midspec.evals.agents.logs import transcripts_from_log
    from midspec.evals.answers import Answers
    from midspec.evals.borrowed import Borrowed
    from midspec.evals.choice import Choice
    from midspec.evals.decision import Decision
    from midspec.evals.document_loss import DocumentLoss
    from midspec.evals.named import Named
    from midspec.evals.rollout import Rollout
    from midspec.evals.spoken import Spoken
    from midspec.experiment.check import Check
    from midspec.experiment.experiment import Contrast, Experiment, grid, load_experiment
    from midspec.experiment.graders import Graders
    from midspec.experiment.verbs import build, plan, report, run
    from midspec.library.acts import acts_of, load_acts
    from midspec.library.answers import load_answers
    from midspec.library.chats import load_chats
    from midspec.library.items import load_items
    from midspec.library.labelled import load_labelled
    from midspec.library.labels import load_labels
    from midspec.library.motives import load_motives
    from midspec.library.preferences import load_preferences
    from midspec.library.questions import load_questions
    from midspec.library.reasons import ReasonReader, load_reasons
    from midspec.library.scenarios import load_scenario, load_scenarios
    from midspec.library.specs import load_spec
    from midspec.models.hardware import fastest_precision
    from midspec.models.model import Model
    from midspec.stages.calibrate import Calibrate
    from midspec.stages.chats_from_file import ChatsFromFile
    from midspec.stages.compose_answers import ComposeAnswers
    from midspec.stages.compose_chats import ComposeChats
    from midspec.stages.compose_documents import ComposeDocuments
    from midspec.stages.corpus_from_file import CorpusFromFile
    from midspec.stages.excerpts import Excerpts
    from midspec.stages.finetune import Finetune
    from midspec.stages.generate_chats import GenerateChats, Sifting
    from midspec.stages.generate_documents import GenerateDocuments
    from midspec.stages.grade import Grade
    from midspec.stages.grade_transcripts import GradeTranscripts
    from midspec.stages.join_chats import JoinChats
    from midspec.stages.midtrain import Midtrain
    from midspec.stages.mix_chats import MixChats
    from midspec.stages.mix_documents import MixDocuments
    from midspec.stages.pretrained import Pretrained
    from midspec.stages.prompted import Prompted
    from midspec.stages.read_reasons import ReadReasons
    from midspec.stages.respond import Respond
    from midspec.stages.sub_corpus import SubCorpus
    from midspec.stages.transcribe import Transcribe
    from midspec.stages.transcripts_from_file import TranscriptsFromFile
    from midspec.store.artifacts import Store
    from midspec.training.schedule import Full, Lora, Schedule

_HOME = {
    "Answers": "evals.answers",
    "Borrowed": "evals.borrowed",
    "Calibrate": "stages.calibrate",
    "ChatsFromFile": "stages.chats_from_file",
    "Check": "experiment.check",
    "Checks": "documents.gate",
    "Choice": "evals.choice",
    "ClaimError": "core.errors",
    "ComposeAnswers": "stages.compose_answers",
    "ComposeChats": "stages.compose_chats",
    "ComposeDocuments": "stages.compose_documents",
    "Contrast": "experiment.experiment",
    "CorpusFromFile": "stages.corpus_from_file",
    "DataError": "core.errors",
    "Decision": "evals.decision",
    "DocumentLoss": "evals.document_loss",
    "Excerpts": "stages.excerpts",
    "Experiment": "experiment.experiment",
    "File": "core.file",
    "Finetune": "stages.finetune",
    "Full": "training.schedule",
    "GenerateChats": "stages.generate_chats",
    "GenerateDocuments": "stages.generate_documents",
    "Grade": "stages.grade",
    "GradeTranscripts": "stages.grade_transcripts",
    "Graders": "experiment.graders",
    "JoinChats": "stages.join_chats",
    "Lora": "training.schedule",
    "MidspecError": "core.errors",
    "Midtrain": "stages.midtrain",
    "MixChats": "stages.mix_chats",
    "MixDocuments": "stages.mix_documents",
    "Model": "models.model",
    "Named": "evals.named",
    "Pretrained": "stages.pretrained",
    "PromptError": "core.errors",
    "Prompted": "stages.prompted",
    "ProviderError": "core.errors",
    "ReadReasons": "stages.read_reasons",
    "ReasonReader": "library.reasons",
    "Recipe": "core.recipe",
    "RecipeError": "core.errors",
    "ReplyError": "core.errors",
    "Respond": "stages.respond",
    "Rollout": "evals.rollout",
    "Schedule": "training.schedule",
    "SetupError": "core.errors",
    "Sifting": "stages.generate_chats",
    "SpecError": "core.errors",
    "Spoken": "evals.spoken",
    "StoppedError": "core.errors",
    "Store": "store.artifacts",
    "SubCorpus": "stages.sub_corpus",
    "Transcribe": "stages.transcribe",
    "TranscriptsFromFile": "stages.transcripts_from_file",
    "Tree": "documents.tree",
    "acts_of": "library.acts",
    "build": "experiment.verbs",
    "fastest_precision": "models.hardware",
    "grid": "experiment.experiment",
    "load_acts": "library.acts",
    "load_answers": "library.answers",
    "load_borrowed": "evals.agents.borrowed",
    "load_chats": "library.chats",
    "load_experiment": "experiment.experiment",
    "load_items": "library.items",
    "load_labelled": "library.labelled",
    "load_labels": "library.labels",
    "load_motives": "library.motives",
    "load_preferences": "library.preferences",
    "load_questions": "library.questions",
    "load_reasons": "library.reasons",
    "load_scenario": "library.scenarios",
    "load_scenarios": "library.scenarios",
    "load_spec": "library.specs",
    "plan": "experiment.verbs",
    "report": "experiment.verbs",
    "run": "experiment.verbs",
    "transcripts_from_log": "evals.agents.logs",
}

__version__ = "0.1.0"
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"midspec has no {name!r} (have: {', '.join(sorted(_HOME))})")
    return getattr(import_module(f"midspec.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
