"""Imported by Python before any program, where PYTHONPATH names this directory:
MPyC's keys come from a fixed seed, so that what a program draws, and the number
of its messages, is the same in every run.  No program is changed for it."""
import random
import secrets

random.seed(4711)
secrets.token_bytes = random.Random(4711).randbytes
