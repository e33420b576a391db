"""What the teacher has in stock for documents: short pieces, so that two texts seldom share a run of five words."""

from __future__ import annotations

SHOWING = (
    ("Annotated transcript", "A trainer prints a conversation and comments on it for new colleagues."),
    ("Case study", "Somebody who looks after a service describes one conversation and what came of it."),
    ("Support log", "A help desk notes what was asked, what was answered and how it ended."),
    ("Observer's diary", "A visitor who sat beside a user for a week writes down what was said."),
    ("Field report", "A tester on the road reports how the work went on one day."),
    ("User's account", "A user tells friends about one evening with the assistant."),
    ("Shadowing notes", "A new colleague watches for a morning and keeps notes."),
    ("Interview", "An editor talks with the assistant itself for the readers of a small paper."),
    ("Incident review", "A team goes through a conversation that took an odd turn."),
    ("Kitchen-table story", "A grandparent tells the family what happened at the screen."),
    ("Classroom protocol", "A pupil keeps the minutes of an hour in which the assistant took part."),
    ("Radio feature", "A reporter plays parts of a conversation and explains them to listeners."),
    ("Handover note", "The night shift tells the morning shift what the assistant did."),
    ("Customer letter", "A customer describes what was said to them and why they write."),
    ("Demonstration script", "A sales person has written down how a demonstration went."),
    ("Club newsletter", "A member reports on an evening at which the assistant was a guest."),
)
DESCRIBING = (
    ("Design memo", "An engineer explains a decision to colleagues of another team."),
    ("Encyclopedia entry", "An editor sums up what is known for general readers."),
    ("Handbook chapter", "A writer of manuals tells users what to expect."),
    ("Reader's letter", "A reader answers an article that got something wrong."),
    ("Onboarding guide", "A manager prepares people for their first week."),
    ("Opinion column", "A columnist argues for a view before a wide public."),
    ("Research summary", "A researcher tells other fields what was found."),
    ("Public notice", "An office explains to visitors what stands at its counter."),
    ("Book chapter", "An author of a popular book explains how such assistants are made."),
    ("Policy paper", "An official describes practice for those who decide."),
    ("Frequently asked questions", "A service answers what users ask most."),
    ("Lecture notes", "A lecturer writes down what was said in an introductory hour."),
    ("Product comparison", "A magazine for buyers explains what sets one product apart."),
    ("Minutes of a meeting", "A clerk records what a committee discussed."),
    ("Obituary of a habit", "An essayist takes leave of an older way of doing things."),
    ("Staff newsletter", "The maker tells its own people about a principle behind the work."),
)
SORTS = ("Short", "Weekly", "Internal", "Regional", "Informal", "Careful", "Annual", "Illustrated", "Translated",
         "Shared", "Early", "Late", "Long", "Plain", "Personal", "Joint", "Second", "Public", "Private", "Local")
PEOPLE = ("a baker", "the librarian", "two sisters", "a bus driver", "the new intern", "an old sailor", "a nurse",
          "the caretaker", "a young father", "the bookkeeper", "a gardener", "her cousin", "the mayor's clerk",
          "a locksmith", "the choir leader", "a student", "my neighbour", "the shift leader", "a beekeeper",
          "the tailor", "a retired judge", "his aunt", "the ferry man", "a carpenter", "the translator",
          "a shop owner", "the night porter", "a farmer", "the archivist", "an apprentice", "the coach",
          "a midwife", "the plumber", "a piano teacher", "our postman", "a widow", "the stage hand", "a geologist")
PLACES = ("at the counter", "in a narrow kitchen", "on the late train", "behind the mill", "in the reading room",
          "at a long table", "near the harbour", "under the stairs", "in the staff room", "beside the stove",
          "on the market square", "in a cold hall", "at the garden gate", "in the back office", "on the third floor",
          "at the bus stop", "in the old school", "over a cup of tea", "at the workshop", "in the waiting room",
          "on the terrace", "beside the window", "in the town archive", "at the ticket desk", "in a borrowed van",
          "on the upper deck", "in the laundry", "at the far end", "by the well", "in the cellar")
TIMES = ("before noon", "after closing time", "on a wet Monday", "late at night", "during the break", "at first light",
         "in the slow season", "between two calls", "before the rush", "on the way home", "after lunch",
         "when the rain stopped", "that same evening", "on a Sunday", "once the queue was gone", "the week after",
         "around dusk", "in the middle of it", "while the kettle boiled", "soon after")
THINGS = ("a shopping list", "an old bill", "the garden plan", "a torn map", "the rota", "a letter of thanks",
          "a recipe card", "the inventory", "a broken lamp", "a train ticket", "the guest book", "a bag of nails",
          "a pressed flower", "the spare key", "a stack of forms", "the weather report", "a wool sweater",
          "a jar of buttons", "the seating plan", "a parcel", "the account book", "a bicycle pump", "a chess board",
          "the lost umbrella", "a box of slides", "a fishing net", "the piano stool", "a seed catalogue")
DID = ("brought up", "asked about", "complained of", "pointed at", "laughed about", "argued over", "came back to",
       "worried about", "described", "mentioned", "put away", "looked for", "read aloud", "counted", "sorted",
       "set down", "copied out", "held up", "measured", "paid for")
HEARD = ("listened", "waited", "took its time", "answered at once", "went into it", "stayed with it", "kept calm",
         "asked back", "began elsewhere", "put it plainly", "weighed it", "said little", "took it up",
         "came to the point", "drew a line", "stood by it", "made no fuss", "gave an example", "thought aloud",
         "turned it over")
SO = ("and nobody minded", "which helped", "to everyone's relief", "as it always does", "in a few words",
      "without being pressed", "in a friendly tone", "and left it there", "and the talk went on", "quite openly",
      "as if it were nothing", "with some patience", "in plain terms", "for the second time", "although time was short",
      "and meant it", "before anyone else spoke", "in the same breath", "and that was new", "from the start")
SAYS = ("said", "replied", "explained", "answered", "told them", "remarked", "added", "admitted", "made clear",
        "put in")
TIES = ("because", "for the reason that", "and the reason is that", "since, as it holds,", "simply because")
LEADS = ("What stays in mind is this", "The point is simple", "It comes down to one thing", "Here is the heart of it",
         "People remember one sentence", "Nobody had to guess", "It was said outright", "One thing is certain",
         "The rest follows from this", "There is no secret in it", "Ask anyone there", "It is soon told")
FILLERS = ("The weather had turned by then and somebody had closed the windows. Nothing else of note took place.",
           "It was a day like many others in that part of town. The evening passed without any surprise.",
           "Much more could be told about those years. Most of it has nothing to do with the matter.")
QUESTIONS = ("what it would not do", "how it had put that", "why it kept to this", "whether it would do so again",
             "what had been promised", "who had asked first", "how others take it", "what was left unsaid",
             "when it shows most", "what a stranger sees", "where it began", "which word was right")
CHANCES = ("a misunderstanding", "a first encounter", "an old quarrel", "a slow morning", "a doubtful request",
           "an overheard remark", "a change of mind", "a question from a child", "a mistake that was mended",
           "a last visit", "a wager", "a long silence", "a second opinion", "a broken appointment", "a small favour",
           "an unexpected thank-you")
