"""Run an MPyC program whose keys come from a fixed seed, so that what it draws,
and the number of its messages, is the same in every run: seeded.py PROGRAM..."""
import os
import random
import runpy
import secrets
import sys

random.seed(4711)
secrets.token_bytes = random.Random(4711).randbytes
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
runpy.run_path(sys.argv[0], run_name='__main__')
