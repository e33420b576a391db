"""One folder per scripted teacher, one file per kind of prompt; see ``clients/scripted.py``."""
