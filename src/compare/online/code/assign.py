"""Assigns units of the experiment EXPERIMENT to its arms: the same unit is always in the same arm.

Written by `promptsearch assign --code python`. As a program it reads a unit a line and prints its arm.
"""

import hashlib
import sys

EXPERIMENT = "@EXPERIMENT@"
ARMS = [@ARMS@]


def assign(unit: str) -> str:
    digest = hashlib.sha256(f"{EXPERIMENT}\n{unit}".encode("utf-8")).hexdigest()
    place = int(digest[:13], 16) / 2**52
    total = reached = 0.0
    for _, weight in ARMS:
        total += weight
    for arm, weight in ARMS:
        reached += weight
        if place < reached / total:
            return arm
    return ARMS[-1][0]


if __name__ == "__main__":
    for line in sys.stdin.buffer.read().decode("utf-8").split("\n"):
        line = line[:-1] if line.endswith("\r") else line
        if line:
            print(assign(line))
