#!/bin/sh
# A target for promptsearch in plain sh: one process per row, which writes its line and exits. It follows its skill to the
# letter: it changes a name as far as the skill says how. No model is asked; docs/targets.md describes both lines.

read -r asked

# The texts of a line of JSON that hold neither quotes nor backslashes.
name=$(printf '%s' "$asked" | sed 's/.*"row":{"name":"\([^"]*\)"}.*/\1/')
skill=$(printf '%s' "$asked" | tr 'A-Z' 'a-z')

code=$name
case $skill in *"lower case"*) code=$(printf '%s' "$code" | tr 'A-Z' 'a-z'); steps="\"lower case: $code\", " ;; esac
case $skill in *"hyphens"*) code=$(printf '%s' "$code" | tr ' ' '-'); steps="$steps\"hyphens: $code\", " ;; esac

printf '{"answer": "%s", "trajectory": [%s"done"]}\n' "$code" "$steps"
