"""How much is wanted → about which calls it takes, for a plan. Asks nobody.

The shares and lengths are what a good writer needs; a run's own figures are in its account and its card.
"""

from __future__ import annotations

from midspec.core.forecast import Asking
from midspec.documents.brief import Brief
from midspec.documents.generate import TOKENS_A_WORD
from midspec.documents.tree import NO_REASON, Tree
from midspec.documents.wording import prompts

# Of all drafts: sent back once; and given up in the end.
REWRITTEN, LOST = 0.15, 0.03
LETTERS_A_TOKEN = 4
# Letters of what stands in the slots of prompts, and of one part of a reply with its JSON around it.
SLOTS = {"context": 550, "passage": 450, "gist": 300, "about": 130, "others": 900, "title": 45, "earlier": 20,
         "complaints": 200, "manner": 250}
LINE, LISTED, MEANT = 190, 6, 2  # an assertion, how many a subdomain has, how many a document is to show
REPLY = {"domain": 240, "subdomain": 860, "assertion": 270, "type": 190, "idea": 420, "finding": 270, "plan": 650,
         "changes": 250}
# Letters a token of documents: estimates of documents count other tokens than providers do.
LETTERS_A_WORD = 6


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
    text = tree.words * LETTERS_A_WORD
    frame, rules, asked = (len(part) // LETTERS_A_TOKEN for part in (brief.frame, brief.rules, brief.questions))

    def asking(address: str, calls: int, name: str, output: int, shared: int = 0, **slots: int) -> Asking:
        return Asking(address=address, calls=calls, own=_letters(name, slots) // LETTERS_A_TOKEN,
                      output=output // LETTERS_A_TOKEN, shared=frame + shared)

    listed = LISTED * LINE
    per_domain = tree.subdomains / tree.domains
    return (
        asking(writer, 1, "domains", tree.domains * REPLY["domain"]),
        asking(writer, tree.domains, "subdomains", round(per_domain * REPLY["subdomain"]),
               others=tree.domains * SLOTS["about"]),
        asking(writer, tree.subdomains, "assertions", LISTED * REPLY["assertion"]),
        asking(writer, tree.subdomains, "types", tree.types * REPLY["type"], assertions=listed),
        asking(writer, chunks, "ideas", tree.ideas * REPLY["idea"], assertions=listed),
        asking(writer, drafted, "drafts", REPLY["plan"] + text, rules, assertions=MEANT * LINE),
        asking(writer, again, "rewrite", REPLY["changes"] + text, rules, assertions=MEANT * LINE, document=text),
        asking(critic, drafted + again, "verdict", 6 * REPLY["finding"], asked, assertions=listed, document=text),
    )


def _letters(name: str, slots: dict[str, int]) -> int:
    """Letters of a prompt with its slots filled."""
    prompt = prompts()[name]
    return len(prompt.text) + sum(slots.get(slot, SLOTS.get(slot, len(NO_REASON) // 4)) for slot in prompt.slots)
