"""Tools for whoever writes a spec: lint, a model's reading of it, and rewritten versions of it."""
