"""Creates postbox/_header.py, the declarations of include/postbox.h for cffi: build_header.py HEADER PACKAGE_DIRECTORY.

The declarations come from the header, so that they cannot differ from the library. They are parsed here, when the wheel
is built, and not at each import.
"""

import re
import subprocess
import sys
from pathlib import Path

from cffi import FFI


def declarations(header: Path) -> str:
    """Returns the header without the parts that cffi defines itself or cannot read: comments, includes, conditions."""
    text = re.sub(r"#include.*", "", header.read_text())
    command = ["cc", "-E", "-P", "-std=c11", "-DPOSTBOX_API=", "-U__GNUC__", "-x", "c", "-"]
    plain = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    version = re.findall(r"^#define POSTBOX_VERSION_\w+ \d+$", text, re.MULTILINE)
    return "\n".join([*version, plain])


def main(header: Path, package: Path) -> None:
    ffi = FFI()
    ffi.cdef(declarations(header))
    ffi.set_source("postbox._header", None)
    ffi.emit_python_code(str(package / "_header.py"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
