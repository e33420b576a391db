"""A fake provider of models over real HTTP on loopback: it judges what was paid, lost, repeated or let through.

``README.md`` beside this file says how to use it by hand and in a test, and how client and server share a clock.
"""
