#!/usr/bin/env python3
"""An operator for promptsearch that uses no model: it adds the feedback of failed rows to the prompt.

It reads one JSON object per line,

    {"about": "...", "parts": {"system": "..."}, "searched": ["system"],
     "evidence": [{"input": "...", "answer": "...", "expected": "...", "score": 0.0, "feedback": "..."}],
     "max_tokens": 2000, "seed": 123}

and writes one line for each: {"parts": {"system": "the new text"}}, or {"error": "why not"}.
It draws random numbers from the seed only, so that the same request gets the same reply.
"""

import json
import random
import sys

BYTES_PER_TOKEN = 4


def lessons(evidence):
    """The feedback of the failed rows without duplicates, in the order of the rows."""
    found = []
    for row in evidence:
        failed = row["score"] is not None and row["score"] < 1.0
        lesson = " ".join(row["feedback"].split()).rstrip(".")
        if failed and lesson and lesson not in found:
            found.append(lesson)
    return found


def changed(request):
    part = request["searched"][0]
    text = request["parts"][part].rstrip()
    new = [lesson for lesson in lessons(request["evidence"]) if lesson not in text]
    if not new:
        return {"error": "the prompt already contains the feedback of all failed rows"}
    # Add one or two lessons at a time: the effects of more lessons are harder to distinguish.
    random.Random(request["seed"]).shuffle(new)
    for lesson in new[:2]:
        # A row's text is data: it must not contain placeholders.
        text += "\n- " + lesson.replace("{{", "{ {") + "."
    if len(text.encode()) > request["max_tokens"] * BYTES_PER_TOKEN:
        return {"error": "the new prompt would be too long"}
    return {"parts": {part: text}}


def main():
    for line in sys.stdin:
        print(json.dumps(changed(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
