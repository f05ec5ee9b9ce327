#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Makes what a guest needs to run the tests: guest_tree.py DIRECTORY

DIRECTORY/lib becomes the part of the standard library that the client, its tests and its examples import, compiled;
DIRECTORY/client becomes the client itself. A guest has no time to compile, and its initramfs no room for the rest.
"""

from __future__ import annotations

import importlib
import os
import pathlib
import py_compile
import shutil
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = HERE.parent
PAGE = HERE.parents[2] / "Documentation" / "python.rst"
STDLIB = pathlib.Path(sysconfig.get_path("stdlib"))

# What is imported only where it is used.
LATER = ["encodings.ascii", "encodings.latin_1", "linecache", "sitecustomize", "subprocess", "tokenize", "site"]

# The source may get another date on its way: what is compiled is believed without looking.
UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def compile_to(source: pathlib.Path, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    py_compile.compile(str(source), cfile=str(target), dfile=str(source), doraise=True, invalidation_mode=UNCHECKED)


def copy_client(target: pathlib.Path) -> None:
    # What it shows is tested too.
    target.mkdir(parents=True)
    shutil.copy(PAGE, target)
    for part in ("refslab", "tests", "examples"):
        for source in sorted((CLIENT / part).iterdir()):
            if source.is_dir():
                continue
            copy = target / part / source.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
            if source.suffix == ".py":
                cache = copy.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
                compile_to(source, cache)


def import_all() -> None:
    sys.path[:0] = [str(CLIENT), str(HERE), str(CLIENT / "examples")]
    sys.dont_write_bytecode = True
    names = [*LATER, "unittest", "traceback"]
    names += [source.stem for part in ("tests", "examples") for source in (CLIENT / part).glob("*.py")]
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            if name not in LATER:
                raise


def copy_library(target: pathlib.Path) -> None:
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file is None or not pathlib.Path(file).is_relative_to(STDLIB):
            continue
        source = pathlib.Path(file)
        place = target / source.relative_to(STDLIB)
        if source.suffix == ".py":
            # Where the interpreter looks for modules without source.
            compile_to(source, place.with_suffix(".pyc"))
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)
    # By which the interpreter knows that it has found its library.
    (target / "lib-dynload").mkdir(exist_ok=True)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    target = pathlib.Path(sys.argv[1])
    new = target.with_name(target.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    copy_client(new / "client")
    import_all()
    copy_library(new / "lib")
    shutil.rmtree(target, ignore_errors=True)
    os.rename(new, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
