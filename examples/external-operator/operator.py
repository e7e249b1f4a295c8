#!/usr/bin/env python3
"""An operator for promptsearch, without a model: it adds what failed rows teach, word for word.

It reads one JSON object per line,

    {"about": "...", "parts": {"system": "..."}, "searched": ["system"],
     "evidence": [{"input": "...", "answer": "...", "expected": "...", "score": 0.0, "feedback": "..."}],
     "max_tokens": 2000, "seed": 123}

and writes one line for each: {"parts": {"system": "the new text"}}, or {"error": "why not"}.
All that it draws at random it draws by the seed, so that it says the same when it is asked again.
"""

import json
import random
import sys

BYTES_PER_TOKEN = 4


def lessons(evidence):
    """What is said about each row that failed, once, in the order of the rows."""
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
        return {"error": "the failed rows say nothing that the prompt does not say"}
    # One or two lessons at a time: more of them at once are harder to tell apart by their results.
    random.Random(request["seed"]).shuffle(new)
    for lesson in new[:2]:
        # A row's text is data: nothing in it is a placeholder.
        text += "\n- " + lesson.replace("{{", "{ {") + "."
    if len(text.encode()) > request["max_tokens"] * BYTES_PER_TOKEN:
        return {"error": "the prompt would grow too long"}
    return {"parts": {part: text}}


def main():
    for line in sys.stdin:
        print(json.dumps(changed(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
