"""Made by `binding.py`: what the header declares."""

from typing import Any

ffi: Any
lib: Any
