"""One file per provider; a file added here is a provider added."""
