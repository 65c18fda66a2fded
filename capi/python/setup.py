"""Tells setuptools of the extension, for which pyproject.toml has no words."""

from setuptools import setup

setup(cffi_modules=["binding.py:builder"])
