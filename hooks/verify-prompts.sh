#!/usr/bin/env bash
# The step of action.yml: verifies each prompt file of PROMPTS (one a line), and writes what it finds into the summary of the
# job. The exit code is 6 where a prompt failed, else that of the last one that was not measured.
set -euo pipefail

flags=()
if [ "${OFFLINE:-false}" = true ]; then
  flags+=(--offline)
else
  flags+=("--max-usd=$MAX_USD" "--tolerance=$TOLERANCE")
  if [ "${FAIL_IF_INCONCLUSIVE:-false}" = true ]; then flags+=(--fail-if-inconclusive); fi
  if [ -n "${TASK:-}" ]; then flags+=("--task=$TASK"); fi
fi
summary=${GITHUB_STEP_SUMMARY:-/dev/null}
if [ -n "${JUNIT:-}" ]; then mkdir -p -- "$JUNIT"; fi

# What a file of the repository says must not be taken for a command of the runner.
token=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
echo "::stop-commands::$token"
code=0
count=0
while IFS= read -r prompt; do
  prompt=${prompt%$'\r'}
  if [ -z "$prompt" ]; then continue; fi
  count=$((count + 1))
  own=("${flags[@]}" "--markdown=$summary")
  if [ -n "${JUNIT:-}" ]; then own+=("--junit=$JUNIT/prompt-$count.xml"); fi
  result=0
  promptsearch verify --quiet "${own[@]}" -- "$prompt" || result=$?
  if [ "$code" != 6 ] && [ "$result" != 0 ]; then code=$result; fi
done <<< "$PROMPTS"
echo "::$token::"
if [ "$count" = 0 ]; then
  echo "no prompt file is named in \`prompts\`" >&2
  code=2
fi
exit "$code"
