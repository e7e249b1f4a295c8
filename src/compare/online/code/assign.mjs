// Assigns units of an experiment to its arms: the same unit is always in the same arm.
//
// Written by `promptsearch assign --code javascript`. As a program it reads a unit a line and prints its arm.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const EXPERIMENT = "@EXPERIMENT@";
const ARMS = [@ARMS@];

export function assign(unit) {
  const digest = createHash("sha256").update(`${EXPERIMENT}\n${unit}`, "utf8").digest("hex");
  const place = parseInt(digest.slice(0, 13), 16) / 2 ** 52;
  const total = ARMS.reduce((sum, [, weight]) => sum + weight, 0);
  let reached = 0;
  for (const [arm, weight] of ARMS) {
    reached += weight;
    if (place < reached / total) return arm;
  }
  return ARMS[ARMS.length - 1][0];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const line of readFileSync(0, "utf8").split(/\r?\n/)) {
    if (line) console.log(assign(line));
  }
}
