"""Builds parley._native; everything else is said in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=['native/build.py:ffibuilder'])
