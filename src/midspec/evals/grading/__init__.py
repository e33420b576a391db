"""How transcripts are read: what can be counted, what graders are asked, and which of their words are believed."""
