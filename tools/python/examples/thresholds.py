#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints, sets and prints again when sweeps start; with Python's own collector only the import differs."""

from refslab import gc


def main() -> None:
    print("Garbage collection thresholds:", gc.get_threshold())
    gc.set_threshold(10_000, 20, 20)
    print("Garbage collection thresholds:", gc.get_threshold())


if __name__ == "__main__":
    main()
