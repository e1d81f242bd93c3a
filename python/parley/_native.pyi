"""The extension module that cffi makes of native/."""

from typing import Any

ffi: Any
lib: Any
