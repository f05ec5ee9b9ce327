#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares refslab/abi.py with what a C compiler makes of include/uapi/linux/refslab.h.

Every structure of the headers with its size and the place of each field, and every number defined there, has to be in
abi.py, and the same. Prints what differs; exits with 1 if anything does.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
UAPI = HERE.parents[2] / "include" / "uapi"
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True

from refslab import abi  # noqa: E402

# What io_uring takes, which this client does not use.
NOT_HERE = {"struct refslab_batch_cmd"}


def header_text() -> str:
    files = [UAPI / "linux" / "refslab.h", *sorted((UAPI / "linux" / "refslab").glob("*.h"))]
    text = "\n".join(file.read_text() for file in files)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def fields_of(structure: type[ctypes.Structure]) -> list[str]:
    """Names of a structure's fields, those of anonymous members in their place."""
    names: list[str] = []
    for name, kind, *_ in structure._fields_:
        if name in getattr(structure, "_anonymous_", ()):
            names += fields_of(kind)  # type: ignore[arg-type]
        else:
            names.append(name)
    return names


def python_name(structure: str) -> str:
    return "".join(word.capitalize() for word in structure.removeprefix("refslab_").split("_"))


def python_facts(structures: list[str], numbers: list[str]) -> dict[str, int]:
    facts: dict[str, int] = {}
    for name in structures:
        structure = getattr(abi, python_name(name), None)
        if structure is None:
            continue
        facts[f"struct {name}"] = ctypes.sizeof(structure)
        for field in fields_of(structure):
            place = getattr(structure, field)
            facts[f"{name}.{field} offset"] = place.offset
            facts[f"{name}.{field} size"] = place.size
    for name in numbers:
        value = getattr(abi, name.removeprefix("REFSLAB_"), None)
        if value is not None:
            facts[name] = value
    facts["REFSLAB_RESULT(7)"] = abi.result(7)
    return facts


def c_facts(text: str, structures: list[str], numbers: list[str]) -> dict[str, int]:
    lines = []
    for name in structures:
        lines.append(f'FACT("struct {name}", sizeof(struct {name}))')
        body = re.search(rf"struct {name}\s*\{{(.*?)^\}};", text, flags=re.S | re.M)
        assert body, name
        for field in re.findall(r"(\w+)(?:\[\w+\])?;", body.group(1)):
            lines.append(f'FACT("{name}.{field} offset", offsetof(struct {name}, {field}))')
            lines.append(f'FACT("{name}.{field} size", sizeof(((struct {name} *)0)->{field}))')
    lines += [f'FACT("{name}", {name})' for name in numbers]
    lines.append('FACT("REFSLAB_RESULT(7)", REFSLAB_RESULT(7))')
    program = "\n".join(
        [
            "#include <stddef.h>",
            "#include <stdio.h>",
            "#include <linux/refslab.h>",
            '#define FACT(name, value) printf("%s=%llu\\n", name, (unsigned long long)(value));',
            "int main(void)",
            "{",
            *lines,
            "return 0;",
            "}",
        ]
    )
    with tempfile.TemporaryDirectory() as directory:
        binary = os.path.join(directory, "facts")
        subprocess.run(
            [os.environ.get("CC", "cc"), "-I", str(UAPI), "-x", "c", "-", "-o", binary],
            input=program,
            text=True,
            check=True,
        )
        output = subprocess.run([binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {name: int(value) for name, value in (line.rsplit("=", 1) for line in output.splitlines())}


def main() -> int:
    text = header_text()
    structures = re.findall(r"^struct (refslab_\w+) \{", text, flags=re.M)
    numbers = re.findall(r"^#define (REFSLAB_\w+)[ \t]+\S", text, flags=re.M)
    assert len(structures) > 20 and len(numbers) > 60, "the headers are not what they were"
    from_c = c_facts(text, structures, numbers)
    from_python = python_facts(structures, numbers)
    wrong = 0
    for name in sorted(from_c.keys() | from_python.keys()):
        if name.split(".")[0].split(" ")[-1] in {gone.split(" ")[-1] for gone in NOT_HERE}:
            continue
        if from_c.get(name) != from_python.get(name):
            print(f"{name}: {from_c.get(name)} in C, {from_python.get(name)} in abi.py")
            wrong += 1
    print(f"{len(from_c)} sizes, offsets and numbers compared, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
