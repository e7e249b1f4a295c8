#!/usr/bin/env bash
# Checks that exported prompts are as `promptsearch export` wrote them: the evidence file beside a prompt has its seal, and
# the prompt has the text that the evidence speaks of. Asks no model.
#
#   exported-prompts.sh FILE…          these files, as pre-commit names them; files without evidence are passed over
#   exported-prompts.sh                what is staged, as git's own hook `pre-commit`
#   exported-prompts.sh --ask FLAG… -- FILE…   also asks the model the rows of the evidence again (flags of `verify`)
set -euo pipefail

program=${PROMPTSEARCH:-promptsearch}
if ! command -v "$program" > /dev/null; then
  echo "exported-prompts: \`$program\` is not on the PATH: install promptsearch, or name it in PROMPTSEARCH" >&2
  exit 1
fi

ask=false
flags=()
if [ "${1:-}" = --ask ]; then
  ask=true
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    # pre-commit appends the files without `--`.
    case "$1" in -*) flags+=("$1"); shift ;; *) break ;; esac
  done
  if [ "${1:-}" = -- ]; then shift; fi
fi

# The prompt that a file belongs to, if it has evidence.
prompt_of() {
  case "$1" in
    *.evidence.json)
      stem=${1%.evidence.json}
      if [ -e "$stem.md" ] || [ -L "$stem.md" ]; then echo "$stem.md"; else echo "$stem"; fi
      ;;
    *.[mM][dD]) if [ -e "${1%.*}.evidence.json" ]; then echo "$1"; fi ;;
    *) if [ -e "$1.evidence.json" ]; then echo "$1"; fi ;;
  esac
}

code=0
seen=
check() {
  for file in "$@"; do
    prompt=$(prompt_of "$file")
    case "$seen" in *"|$prompt|"*) continue ;; esac
    if [ -z "$prompt" ]; then continue; fi
    seen="$seen|$prompt|"
    # A link has the text of another file, which is not what is committed.
    if [ -L "$prompt" ] || [ -L "$file" ]; then
      echo "error: $prompt: it, or its evidence, is a link and no file" >&2
      code=3
      continue
    fi
    # Removed together with its evidence.
    if [ ! -e "$prompt" ] && [ ! -e "$file" ]; then continue; fi
    "$program" verify --offline --quiet -- "$prompt" || code=$?
    if $ask && [ "$code" = 0 ]; then
      "$program" verify --quiet ${flags[@]+"${flags[@]}"} -- "$prompt" || code=$?
    fi
  done
}

if [ $# -gt 0 ]; then
  check "$@"
  exit "$code"
fi

# What is committed is the index, whatever the work tree holds.
cd "$(git rev-parse --show-toplevel)"
names=()
related=()
while IFS= read -r -d '' name; do
  names+=("./$name")
  related+=("$name" "$name.evidence.json" "${name%.*}.evidence.json")
  case "$name" in
    *.evidence.json) related+=("${name%.evidence.json}" "${name%.evidence.json}.md") ;;
  esac
done < <(git diff --cached --name-only -z --no-renames)
if [ ${#names[@]} = 0 ]; then exit 0; fi
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
git --literal-pathspecs ls-files -z -- "${related[@]}" | git checkout-index --prefix="$staged/" -z --stdin
cd "$staged"
check "${names[@]}"
exit "$code"
