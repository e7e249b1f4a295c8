#!/usr/bin/env python3
"""An agent for promptsearch: it works in steps, with a tool, and follows its prompts to the letter.

It asks no model, so that the example runs anywhere and is the same each time: where your agent would ask one, this one
looks for words of its prompts. Replace `plan` and `write` with your own calls.

It reads one JSON object per line and writes one for each; docs/targets.md describes both.
"""

import json
import os
import sys

USD_OF_A_STEP = "0.0001"  # What each step would have cost.

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "catalogue.json")) as file:
    CATALOGUE = json.load(file)


def look_up(item):
    """The tool: the price of an item in cents, or None."""
    return CATALOGUE.get(item.removesuffix("es"), CATALOGUE.get(item.removesuffix("s")))


def plan(prompt):
    """What the planner's prompt tells to do: in place of a model that would decide it."""
    text = prompt.lower()
    wanted = [("look up", "look_up"), ("multiply", "multiply"), ("ten percent", "discount")]
    return [step for words, step in wanted if words in text]


def write(prompt, cents):
    """The answer as the writer's prompt wants it."""
    amount = "%d.%02d" % divmod(cents, 100)
    return amount if "number alone" in prompt.lower() else "That makes %s euros." % amount


def solve(asked):
    count, item = asked["row"]["order"].split(" ", 1)
    steps = plan(asked["parts"]["planner"])
    trajectory = [{"role": "planner", "content": ", ".join(steps) or "nothing to do"}]
    cents = 1000  # A guess.
    if "look_up" in steps:
        found = look_up(item)
        trajectory.append({"tool": "look_up", "content": {"item": item, "cents": found}})
        cents = cents if found is None else found
    if "multiply" in steps:
        cents *= int(count)
        trajectory.append({"tool": "multiply", "content": "%s × makes %d cents" % (count, cents)})
    if "discount" in steps and int(count) >= 10:
        cents -= cents // 10
        trajectory.append({"tool": "discount", "content": "ten percent off makes %d cents" % cents})
    answer = write(asked["parts"]["writer"], cents)
    trajectory.append({"role": "writer", "content": answer})
    return {
        "answer": answer,
        "trajectory": trajectory,
        "usage": {
            "input_tokens": sum(len(text) for text in asked["parts"].values()) // 4,
            "output_tokens": len(answer) // 4 + 1,
        },
        # Four decimals are exact in a decimal, and not in a binary number: so it is written as a text.
        "usd": "%.4f" % (float(USD_OF_A_STEP) * len(trajectory)),
    }


def main():
    log = os.environ.get("AGENT_LOG")
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = solve(asked)
        except (KeyError, ValueError) as error:
            said = {"error": "cannot read the order: %r" % error, "retry": False, "usd": 0}
        said["id"] = asked["id"]
        print(json.dumps(said), flush=True)
        if log:
            with open(log, "a") as file:
                file.write(asked["id"] + "\n")


if __name__ == "__main__":
    main()
