"""How much is wanted → about which calls it takes, for a plan. Asks nobody.

Lengths are those of replies that were written by following the prompts word for word (135 of them; verdicts and
shares are reckoned). A run's own figures are in its account and its card.
"""

from __future__ import annotations

import json

from midspec.core.forecast import Asking
from midspec.documents.assertions import AssertionsReply
from midspec.documents.brief import Brief
from midspec.documents.domains import DomainsReply, SubdomainsReply
from midspec.documents.generate import TOKENS_A_WORD
from midspec.documents.ideas import IdeasReply
from midspec.documents.kinds import TypesReply
from midspec.documents.tree import NO_REASON, Tree
from midspec.documents.verdicts import Verdict
from midspec.documents.wording import prompts
from midspec.models.schema import schema_of

# Of all drafts: sent back once; and given up in the end.
REWRITTEN, LOST = 0.15, 0.03
LETTERS_A_TOKEN = 4
# Letters of what stands in the slots of prompts, and of one part of a reply with its JSON around it.
SLOTS = {"context": 550, "passage": 450, "gist": 300, "about": 130, "others": 900, "title": 45, "earlier": 20,
         "complaints": 200, "manner": 250, "named": 100}
LINE, LISTED, MEANT = 140, 7, 2  # an assertion, how many a subdomain has, how many a document is to show
TURN = 40  # which assertion an idea is for
REPLY = {"domain": 440, "subdomain": 940, "assertion": 210, "type": 210, "idea": 330, "finding": 230, "plan": 280,
         "changes": 200}
SHAPES = {"domains": DomainsReply, "subdomains": SubdomainsReply, "assertions": AssertionsReply, "types": TypesReply,
          "ideas": IdeasReply, "verdict": Verdict}
# With the space behind it. Estimates of documents count other tokens than providers do.
LETTERS_A_WORD = 5.4


def documents_for(tree: Tree, tokens: int) -> int:
    """About how many documents are kept."""
    return max(1, round(tokens / (tree.words * TOKENS_A_WORD)))


def askings(brief: Brief, tree: Tree, tokens: int, writer: str, critic: str) -> tuple[Asking, ...]:
    """Calls by stage; ``own`` and ``shared`` are tokens of a prompt, ``output`` those of a reply."""
    kept = documents_for(tree, tokens)
    drafted = round(kept / (1 - LOST))
    again = round(drafted * REWRITTEN)
    cells = min(tree.subdomains * tree.types, drafted)
    chunks = -(-drafted // (cells * tree.ideas)) * cells
    text = round(tree.words * LETTERS_A_WORD)
    frame, rules, asked = (len(part) // LETTERS_A_TOKEN for part in (brief.frame, brief.rules, brief.questions))

    def asking(address: str, calls: int, name: str, output: int, shared: int = 0, **slots: int) -> Asking:
        # A schema is read with every call, whether it is sent beside the prompt or stands in it.
        schema = len(json.dumps(schema_of(SHAPES[name]))) if name in SHAPES else 0
        return Asking(address=address, calls=calls, own=(_letters(name, slots) + schema) // LETTERS_A_TOKEN,
                      output=output // LETTERS_A_TOKEN, shared=frame + shared)

    listed = LISTED * LINE
    per_domain = tree.subdomains / tree.domains
    return (
        asking(writer, 1, "domains", tree.domains * REPLY["domain"]),
        asking(writer, tree.domains, "subdomains", round(per_domain * REPLY["subdomain"]),
               others=tree.domains * SLOTS["about"]),
        asking(writer, tree.subdomains, "assertions", LISTED * REPLY["assertion"]),
        asking(writer, tree.subdomains, "types", tree.types * REPLY["type"], assertions=listed),
        asking(writer, chunks, "ideas", tree.ideas * REPLY["idea"], assertions=listed, turns=tree.ideas * TURN),
        asking(writer, drafted, "drafts", REPLY["plan"] + text, rules, assertions=MEANT * LINE),
        asking(writer, again, "rewrite", REPLY["changes"] + text, rules, assertions=MEANT * LINE, document=text),
        asking(critic, drafted + again, "verdict", 6 * REPLY["finding"], asked, assertions=listed, document=text),
    )


def _letters(name: str, slots: dict[str, int]) -> int:
    """Letters of a prompt with its slots filled."""
    prompt = prompts()[name]
    return len(prompt.text) + sum(slots.get(slot, SLOTS.get(slot, len(NO_REASON) // 4)) for slot in prompt.slots)
