"""Results → tables of how well graders read, and what that makes of each rate. Knows nothing of HTML or Markdown."""

from __future__ import annotations

from midspec.report.agreement import agreement
from midspec.report.corrected import Share, known_errors
from midspec.report.results import Results
from midspec.report.wording import number, span

ERRORS = ("How often each grader is right, on transcripts that were labelled blind: of those labelled yes it says yes "
          "to so many, of those labelled no it says no to so many (exact 95 % intervals).")
BEHIND = ("The rates behind what the grader saw: its errors are taken out, and what is not known of them is in the "
          "interval. Unscored transcripts are not in here; the range that they leave is under Scores.")
DIFFERENCES = ("The contrasts behind what the grader saw, if it errs alike in all arms. Whether zero is excluded hangs "
               "on the arms, the size on the grader.")
TWICE = "Transcripts that two graders read: how far they agree beyond chance."
Table = tuple[str, list[str], list[list[str]]]


def grader_tables(results: Results) -> list[Table]:
    """(words, head, rows) of each table that has rows."""
    study = results.study
    errors = [[line.grader, line.known.reading, _of(line.known.hits, line.known.positives, found["sensitivity"]),
               _of(line.known.rejections, line.known.negatives, found["specificity"]),
               str(line.known.unscored_yes + line.known.unscored_no)]
              for line in study.graders for found in [known_errors(line.known)]]
    behind = [[m.arm, m.measure[2], number(m.found.value, 3), span(m.found.low, m.found.high),
               number(m.corrected.value, 3), span(m.corrected.low, m.corrected.high)]
              for m in results.means if m.corrected is not None]
    contrasts = [[d.line.name, d.line.reading, number(d.found.value, 3, sign=True),
                  span(d.found.low, d.found.high, sign=True), number(d.corrected.value, 3, sign=True),
                  span(d.corrected.low, d.corrected.high, sign=True)]
                 for d in results.differences if d.corrected is not None]
    twice = [[line.arm, line.reading, str(found.both), str(found.same), number(found.kappa[0], 2),
              span(*found.kappa[1:]), number(found.ac1[0], 2), span(*found.ac1[1:])]
             for line in study.agreements for found in [agreement(line.counts)]]
    interval = "95 % interval"
    tables: list[Table] = [
        (ERRORS, ["grader", "reading", "labelled yes", "labelled no", "unscored"], errors),
        (BEHIND, ["arm", "reading", "seen", interval, "corrected", interval], behind),
        (DIFFERENCES, ["contrast", "reading", "seen", interval, "corrected", interval], contrasts),
        (TWICE, ["arm", "reading", "graded twice", "same", "kappa", interval, "AC1", interval], twice)]
    return [table for table in tables if table[2]]


def _of(right: int, labelled: int, share: Share | None) -> str:
    return "none" if share is None else f"{right} of {labelled} ({span(share[1], share[2])})"
