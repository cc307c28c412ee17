#!/usr/bin/env python3
"""Generates the typed options of the .NET library, with their documentation, from src/model/settings.rs.

    tools/csharp_options.py            writes bindings/dotnet/Postbox/PostboxOptions.Settings.cs and SettingEnums.cs
    tools/csharp_options.py --check    fails if these files are not what it would write
"""

import re
import sys
import textwrap
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "src" / "model" / "settings.rs"
OUTPUT = ROOT / "bindings" / "dotnet" / "Postbox"

# The names in the descriptions that are neither settings nor values of enums, and the corresponding members of C#.
MEMBERS = {
    "create_table": "PostboxClient.CreateTable",
    "close": "PostboxClient.Close()",
    "clear_outbox": "PostboxClient.ClearOutbox(string[])",
    "content_type": "OutboxMessage.ContentType",
}

# Routes are a dictionary in C#, and one text in the other languages.
ROUTES = (
    "The destinations of messages by topic. A key is a topic, a prefix of topics followed by `*`, or `*` for all other "
    "topics. Exact topics take precedence over prefixes, and longer prefixes over shorter ones. A value is `sns:` or "
    "`sqs:`, followed by a name or an ARN, such as `sns:greetings`. For SQS, it can also be followed by the URL of the "
    "queue. A configuration can also have all routes in one text: `greeting.made = sns:greetings; * = sqs:rest`."
)

WIDTH = 120

ENUM = re.compile(r"named! \{\n(?P<about>(?: *///.*\n)+) *(?P<name>\w+) \{\n(?P<values>(?:        .*\n)+)    \}\n\}")
VALUE = re.compile(r'(?P<about>(?: *///.*\n)+) *(?P<name>\w+) = "(?P<text>\w+)",')
SETTING = re.compile(
    r'^ {12}(?P<field>\w+)(?: as "(?P<name>\w+)")?: (?P<kind>\w+)\((?P<range>.*?)\) = (?P<default>.*),\n *"(?P<about>.*)";$',
    re.MULTILINE,
)
# In milliseconds.
UNITS = {"millis": 1, "seconds": 1000}


class Setting(NamedTuple):
    """A row of the table of settings."""

    field: str
    name: str
    kind: str
    range: str
    default: str
    about: str

    @property
    def property_name(self) -> str:
        return pascal_case(self.field)

    @property
    def csharp_type(self) -> str:
        if self.name == "routes":
            return "PostboxRoutes"
        if self.kind == "choice":
            return self.range
        types = {"number": "int", "millis": "TimeSpan", "seconds": "TimeSpan", "flag": "bool"}
        return types.get(self.kind, "string")


def pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def comment(rust: str) -> str:
    return " ".join(line.strip().removeprefix("///").strip() for line in rust.strip().splitlines())


def time(milliseconds: int) -> str:
    """Returns a time in the format of a TimeSpan, in which a configuration has it."""
    seconds, rest = divmod(milliseconds, 1000)
    days, seconds = divmod(seconds, 86400)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return (f"{days}." if days else "") + text + (f".{rest:03}" if rest else "")


def limits(setting: Setting) -> str:
    """Returns the range and the default of a setting as a sentence."""
    if setting.kind == "flag":
        return f"The default is `{setting.default}`."
    if setting.kind == "choice":
        return f"The default is `{setting.range}.{setting.default}`."
    low, high = (int(number) for number in setting.range.split(", "))
    if setting.name == "routes":
        return f"The whole text has up to {high} characters. There are no routes by default."
    if setting.kind == "number":
        return f"From {low} to {high}. The default is {setting.default}."
    if setting.kind in UNITS:
        unit = UNITS[setting.kind]
        whole = "seconds" if setting.kind == "seconds" else "milliseconds"
        default = time(int(setting.default) * unit)
        return f"From `{time(low * unit)}` to `{time(high * unit)}`, in whole {whole}. The default is `{default}`."
    if setting.kind == "text":
        return f"From {low} to {high} characters. The default is `{setting.default.strip(chr(34))}`."
    return f"Up to {high} characters. Unset by default."


class Writer:
    """Writes C# with references to the members that descriptions name."""

    def __init__(self, settings: list[Setting], enums: dict[str, dict[str, str]]) -> None:
        self.settings = settings
        self.enums = enums

    def markup(self, text: str, choices: str = "") -> str:
        """Returns a text with the names in backquotes as references to properties, values of enums and methods."""
        references = MEMBERS | {setting.name: f"PostboxOptions.{setting.property_name}" for setting in self.settings}
        references |= {name: f"{choices}.{value}" for name, value in self.enums.get(choices, {}).items()}
        references |= {f"{enum}.{value}": f"{enum}.{value}" for enum, values in self.enums.items() for value in values.values()}

        def one(name: re.Match[str]) -> str:
            word = name[1]
            if word in references:
                return f'<see cref="{references[word]}"/>'
            return f"<c>{word}</c>"

        # "table_encryption = owned" names a setting and a value of it.
        text = re.sub(r"`(\w+)` = `(\w+)`", self.assignment, text)
        return re.sub(r"`(.*?)`", one, escape(text, quote=False))

    def assignment(self, found: re.Match[str]) -> str:
        setting = next(setting for setting in self.settings if setting.name == found[1])
        return f"`{setting.range}.{self.enums[setting.range][found[2]]}`"

    def documentation(self, tag: str, text: str, indent: str) -> str:
        prefix = f"{indent}/// "
        line = f"{prefix}<{tag}>{text}</{tag}>"
        if len(line) <= WIDTH:
            return line
        # A line must not end inside a reference.
        wrapper = textwrap.TextWrapper(WIDTH - len(prefix), break_on_hyphens=False, break_long_words=False)
        lines = wrapper.wrap(text.replace("<see cref", "<see\0cref"))
        return "\n".join(prefix + part.replace("\0", " ") for part in [f"<{tag}>", *lines, f"</{tag}>"])

    def property(self, setting: Setting) -> str:
        about = ROUTES if setting.name == "routes" else setting.about
        choices = setting.range if setting.kind == "choice" else ""
        summary = self.documentation("summary", self.markup(about, choices), " " * 8)
        name = f" This is the setting <c>{setting.name}</c>."
        remarks = self.documentation("remarks", self.markup(limits(setting)) + name, " " * 8)
        hidden = "        [DebuggerBrowsable(DebuggerBrowsableState.Never)]\n" if setting.kind == "secret" else ""
        return f"{summary}\n{remarks}\n{hidden}        public {setting.csharp_type}? {setting.property_name} {{ get; set; }}\n"

    def row(self, setting: Setting) -> str:
        kind = "Secret" if setting.kind == "secret" else "Of"
        value = f"SettingNames.Of({setting.property_name})" if setting.kind == "choice" else setting.property_name
        return f'            OptionText.{kind}(nameof({setting.property_name}), "{setting.name}", {value}),\n'

    def name_method(self, enum: str) -> str:
        arms = "".join(f"            {enum}.{value} => \"{text}\",\n" for text, value in self.enums[enum].items())
        head = f"        internal static string? Of({enum}? value) => value switch\n"
        return f"{head}        {{\n{arms}            _ => value?.ToString(),\n        }};\n"

    def options(self) -> str:
        properties = "\n".join(self.property(setting) for setting in self.settings)
        rows = "".join(self.row(setting) for setting in self.settings)
        return (
            f"{HEAD}#nullable enable\nusing System;\nusing System.Diagnostics;\n\nnamespace Postbox\n{{\n"
            f"    public sealed partial class PostboxOptions\n    {{\n{properties}\n"
            f"        private OptionText[] Texts() => new[]\n        {{\n{rows}        }};\n    }}\n}}\n"
        )

    def names(self) -> str:
        methods = "\n".join(self.name_method(enum) for enum in self.enums)
        summary = "The texts of values in settings. A number, which the library rejects, for a value without a name."
        about = self.documentation("summary", summary, " " * 4)
        return f"{about}\n    internal static class SettingNames\n    {{\n{methods}    }}\n"

    def enum(self, name: str, about: str, values: str) -> str:
        lines = []
        for value in VALUE.finditer(values):
            about_value = self.markup(without_default(comment(value["about"])))
            lines.append(f"{self.documentation('summary', about_value, ' ' * 8)}\n        {value['name']},\n")
        summary = self.documentation("summary", self.markup(comment(about)), " " * 4)
        return f"{summary}\n    public enum {name}\n    {{\n" + "\n".join(lines) + "    }\n"


def without_default(text: str) -> str:
    """Removes the sentence that says that the value is the default, since the property says it."""
    return re.sub(r" (?:This is|The) (?:the )?default\.$", "", text)


HEAD = "// Generated from src/model/settings.rs by tools/csharp_options.py; do not edit.\n"


def read() -> tuple[list[Setting], list[re.Match[str]]]:
    text = SETTINGS.read_text(encoding="utf-8")
    settings = [
        Setting(row["field"], row["name"] or row["field"], row["kind"], row["range"], row["default"], row["about"])
        for row in SETTING.finditer(text)
    ]
    if len(settings) != text.count('";\n'):
        sys.exit(f"{SETTINGS.name} has {text.count(chr(34) + ';' + chr(10))} settings, and {len(settings)} were understood")
    return settings, list(ENUM.finditer(text))


def generated() -> dict[Path, str]:
    settings, enums = read()
    values = {enum["name"]: {value["text"]: value["name"] for value in VALUE.finditer(enum["values"])} for enum in enums}
    writer = Writer(settings, values)
    declarations = "\n".join(writer.enum(enum["name"], enum["about"], enum["values"]) for enum in enums)
    return {
        OUTPUT / "PostboxOptions.Settings.cs": writer.options(),
        OUTPUT / "SettingEnums.cs": f"{HEAD}#nullable enable\nnamespace Postbox\n{{\n{declarations}\n{writer.names()}}}\n",
    }


def main() -> None:
    for path, text in generated().items():
        if sys.argv[1:] != ["--check"]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.relative_to(ROOT)} is out of date: run tools/csharp_options.py and commit it")


if __name__ == "__main__":
    main()
