#!/usr/bin/env python3
"""Generates the declarations of the C functions for the .NET library from include/postbox.abi.

    tools/csharp_native.py            writes bindings/dotnet/Postbox/Native.cs
    tools/csharp_native.py --check    fails if that file is not what it would write

The types come from include/postbox.abi, and the names of the parameters from include/postbox.h. Functions, structs and
callbacks have their names of C. Run tools/abi.py first after a change of the interface.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ABI = ROOT / "include" / "postbox.abi"
HEADER = ROOT / "include" / "postbox.h"
OUTPUT = ROOT / "bindings" / "dotnet" / "Postbox" / "Native.cs"

# The handles that a SafeHandle of Handles.cs owns. All others are passed as IntPtr.
HANDLES = {
    "postbox_cancel_token": "CancelTokenHandle",
    "postbox_client": "ClientHandle",
    "postbox_config": "ConfigHandle",
    "postbox_held_lease": "HeldLeaseHandle",
    "postbox_message": "MessageHandle",
    "postbox_operation": "OperationHandle",
    "postbox_page": "PageHandle",
    "postbox_selection": "SelectionHandle",
    "postbox_unit_of_work": "UnitOfWorkHandle",
}

# Parameters whose handle may be NULL. A SafeHandle cannot be null, so these are passed as IntPtr.
NULLABLE = {"cancel"}

# The functions that build an item. A program calls many of them for one item, so the item is kept alive for all of them, and the
# parameters are pointers, which need no marshalling.
UNSAFE = re.compile(r"postbox_item_(set_\w+|begin|end)")

# Out-parameters that may be NULL. Their functions have a second overload, which does not ask for the result.
OMITTED = {"postbox_report * *": "noReport"}

# Numbers and characters, as they are in structs and behind pointers.
SCALARS = {
    "_Bool": "byte",
    "char": "byte",
    "double": "double",
    "int32_t": "int",
    "int64_t": "long",
    "size_t": "UIntPtr",
    "uint8_t": "byte",
    "uint32_t": "uint",
    "uint64_t": "ulong",
}

KEYWORDS = {"base", "byte", "delegate", "event", "in", "lock", "object", "out", "params", "ref", "string"}

HEAD = """\
// Generated from include/postbox.abi by tools/csharp_native.py; do not edit.
#nullable disable
using System;
using System.Runtime.InteropServices;

namespace Postbox
{
    /// <summary>
    /// The functions of include/postbox.h. Errors and strings are pointers, which Errors and Utf8 convert.
    /// </summary>
    internal static unsafe class Native
    {
        internal const string Library = "postbox";
        private const CallingConvention C = CallingConvention.Cdecl;
"""

# The callback of a typedef, or the function, with the parameters in the header.
PROTOTYPE = re.compile(r"^(?:POSTBOX_API )?[a-z][^;(){}#]*?(?:\(\*)?(postbox_\w+)\)?\(([^()]*)\);", re.MULTILINE)
FUNCTION = re.compile(r"function (.*?) ?(postbox_\w+)\((.*)\)")
CALLBACK = re.compile(r"type (\w+): (.*) \(\*\)\((.*)\)")
STRUCT = re.compile(r"struct (\w+): (\d+) bytes")
FIELD = re.compile(r"(\w+)\.(\w+): (.*) at (\d+)")
TYPEDEF = re.compile(r"type (\w+): (\w+)")


class Interface:
    """The parts of the ABI file, and the names of parameters in the header."""

    def __init__(self, lines: list[str], header: str) -> None:
        self.scalars = SCALARS | {name: SCALARS[of] for name, of in matches(TYPEDEF, lines)}
        self.callbacks = matches(CALLBACK, lines)
        self.callback_names = {name for name, _, _ in self.callbacks}
        self.functions = matches(FUNCTION, lines)
        self.structs = dict(matches(STRUCT, lines))
        self.fields = sorted(matches(FIELD, lines), key=lambda field: int(field[3]))
        self.names = {name: names_of(parameters) for name, parameters in PROTOTYPE.findall(header)}

    def parameters(self, function: str, types: str) -> list[tuple[str, str]]:
        """Returns the type and the name of each parameter, in C."""
        split = [] if types == "void" else types.split(", ")
        names = self.names.get(function)
        if names is None or len(names) != len(split):
            sys.exit(f"{HEADER.name} and {ABI.name} declare {function} differently: run tools/abi.py")
        return list(zip(split, names))

    def value(self, c_type: str) -> str:
        """Returns the type of a field, of a result or of a callback's parameter in C#."""
        return "IntPtr" if c_type.endswith("*") else self.scalars[c_type]

    def parameter(self, function: str, c_type: str, name: str) -> str:
        """Returns the declaration of a function's parameter in C#."""
        return f"{self.parameter_type(function, c_type, name)} {camel_case(name)}"

    def parameter_type(self, function: str, c_type: str, name: str) -> str:
        if UNSAFE.fullmatch(function):
            return self.blittable(c_type)
        if c_type == "_Bool":
            return "[MarshalAs(UnmanagedType.I1)] bool"
        if not c_type.endswith("*"):
            return c_type if c_type in self.callback_names else self.value(c_type)
        target = c_type.removesuffix("*").strip()
        pointed = target.removeprefix("const ")
        if pointed in HANDLES and not function.endswith("_free") and name not in NULLABLE:
            return HANDLES[pointed]
        if target.endswith("* const"):
            return "IntPtr[]"
        if target.endswith("*"):
            return "out IntPtr"
        known = pointed if pointed in self.structs else self.scalars.get(pointed)
        if known is None or target == "char":
            return "IntPtr"
        if target == "const uint8_t":
            # The first byte of a span.
            return "in byte"
        return f"{known}[]" if target.startswith("const ") else f"out {known}"

    def blittable(self, c_type: str) -> str:
        """Returns the type of a parameter in C# that is passed as it is."""
        pointed = self.scalars.get(c_type.removesuffix("*").strip().removeprefix("const "))
        return f"{pointed}*" if c_type.endswith("*") and pointed else self.value(c_type)

    def declarations(self, function: tuple[str, str, str]) -> list[str]:
        """Returns the declaration of a function, and its overload without the result that it may omit."""
        result, name, types = function
        parameters = self.parameters(name, types)
        overloads = [[self.parameter(name, *parameter) for parameter in parameters]]
        if parameters and parameters[-1][0] in OMITTED:
            overloads.insert(0, [*overloads[0][:-1], f"IntPtr {OMITTED[parameters[-1][0]]}"])
        returned = "void" if result == "void" else self.value(result)
        attribute = ""
        if result == "_Bool":
            returned, attribute = "bool", " [return: MarshalAs(UnmanagedType.I1)]"
        return [
            f"        [DllImport(Library, CallingConvention = C)]{attribute} internal static extern {returned} {name}({', '.join(overload)});\n"
            for overload in overloads
        ]

    def delegate(self, callback: tuple[str, str, str]) -> str:
        name, result, types = callback
        parameters = [f"{self.value(c_type)} {camel_case(given)}" for c_type, given in self.parameters(name, types)]
        returned = "void" if result == "void" else self.value(result)
        return f"        [UnmanagedFunctionPointer(C)]\n        internal delegate {returned} {name}({', '.join(parameters)});\n"

    def struct(self, name: str) -> str:
        fields = [f"            internal {self.value(c_type)} {field};\n" for of, field, c_type, _ in self.fields if of == name]
        layout = f"        [StructLayout(LayoutKind.Sequential, Size = {self.structs[name]})]\n"
        return f"{layout}        internal struct {name}\n        {{\n{''.join(fields)}        }}\n"


def matches(pattern: re.Pattern[str], lines: list[str]) -> list[tuple[str, ...]]:
    return [found.groups() for found in map(pattern.fullmatch, lines) if found]


def names_of(parameters: str) -> list[str]:
    """Returns the last word of each parameter."""
    return [] if parameters == "void" else [re.findall(r"\w+", parameter)[-1] for parameter in parameters.split(",")]


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    name = first + "".join(word.capitalize() for word in rest)
    return f"@{name}" if name in KEYWORDS else name


def generated() -> str:
    interface = Interface(ABI.read_text(encoding="utf-8").splitlines(), HEADER.read_text(encoding="utf-8"))
    functions = sorted(interface.functions, key=lambda function: function[1])
    blocks = [
        HEAD,
        *map(interface.delegate, interface.callbacks),
        "        // The sizes include the reserved fields at the end, which the library writes too.\n"
        + "\n".join(map(interface.struct, interface.structs)),
        "".join(line for function in functions for line in interface.declarations(function)) + "    }\n}\n",
    ]
    return "\n".join(blocks)


def main() -> None:
    text = generated()
    if sys.argv[1:] != ["--check"]:
        OUTPUT.write_text(text, encoding="utf-8")
    elif OUTPUT.read_text(encoding="utf-8") != text:
        sys.exit(f"{OUTPUT.relative_to(ROOT)} is out of date: run tools/csharp_native.py and commit it")


if __name__ == "__main__":
    main()
