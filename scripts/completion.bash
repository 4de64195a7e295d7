# What may come next on the command line of ./scripts/bench? Completion for bash, from options.txt.
#
# In your shell, or in ~/.bashrc with the whole path:  . scripts/completion.bash
# Nothing is listed here: verbs, flags and values are read anew each time, from the table that
# ./scripts/bench checks, and the names of models and scenarios from where it reads them.

_interleave_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)

# The rows of the table, cleaned: verb|flag|kind|default|help.
_interleave_rows() {
  sed -e '/^#/d' -e '/^[[:space:]]*$/d' -e 's/[[:space:]]*|[[:space:]]*/|/g' \
    "$_interleave_root/scripts/options.txt" | grep -v '^example|'
}

_interleave_models() {
  local file name
  for file in "$_interleave_root"/models/*.cpp "$_interleave_root"/models/*.py; do
    name=${file##*/}
    case $name in *_test.* | '*.'*) ;; *) printf '%s\n' "${name%.*}" ;; esac
  done
  printf 'all\n'
}

_interleave_scenarios() {
  sed -n 's/^    {"\([a-z0-9-]*\)", ".*/\1/p' "$_interleave_root/bench/presets.cpp"
}

# Of a list by comma the last name is completed, and those before it stay.
_interleave_list() { # current word, then names
  local word=$1 before='' names
  case $word in *,*) before=${word%,*}, word=${word##*,} ;; esac
  shift
  mapfile -t names < <(compgen -W "$*" -- "$word")
  COMPREPLY=("${names[@]/#/$before}")
  compopt -o nospace 2>/dev/null || true
}

_interleave_folders() { # current word
  mapfile -t COMPREPLY < <(compgen -d -- "$1")
  compopt -o filenames -o nospace 2>/dev/null || true
}

_interleave_value() { # current word, kind and its parameters
  local word=$1 kind=$2
  shift 2
  case $kind in
    choice) mapfile -t COMPREPLY < <(compgen -W "$*" -- "$word") ;;
    models) _interleave_list "$word" $(_interleave_models) ;;
    scenarios) _interleave_list "$word" $(_interleave_scenarios) ;;
    scenario) mapfile -t COMPREPLY < <(compgen -W "$(_interleave_scenarios)" -- "$word") ;;
    result | folder | new-folder) _interleave_folders "$word" ;;
    result-or-revision)
      _interleave_folders "$word"
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$(git -C "$_interleave_root" \
        for-each-ref --format='%(refname:short)' refs/heads refs/tags 2>/dev/null)" -- "$word")
      ;;
    file)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      compopt -o filenames 2>/dev/null || true
      ;;
    *) COMPREPLY=() ;;
  esac
}

_interleave_bench() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=run first kind
  COMPREPLY=()
  first=${COMP_WORDS[1]-}
  if [ "$COMP_CWORD" -gt 1 ] && [ "${first#-}" = "$first" ]; then verb=$first; fi
  # Bash makes "--flag=value" three words; the sign is the one before, or the word itself.
  if [ "$word" = = ]; then
    word=''
  elif [ "$before" = = ]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  kind=$(_interleave_rows | sed -n "s/^$verb|$before|\([^|]*\)|.*/\1/p" | sed q)
  if [ "${before#--}" != "$before" ] && [ -n "$kind" ] && [ "$kind" != switch ]; then
    _interleave_value "$word" $kind
    return
  fi
  if [ "${word#-}" != "$word" ]; then
    mapfile -t COMPREPLY < <(compgen -W "--help $(_interleave_rows |
      sed -n "s/^$verb|\(--[a-z-]*\)|.*/\1/p")" -- "$word")
    return
  fi
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_interleave_rows | sed -n 's/^\([a-z]*\)||.*/\1/p')" \
      -- "$word")
    return
  fi
  kind=$(_interleave_rows | sed -n "s/^$verb|[A-Z][A-Z]*|\([^|]*\)|.*/\1/p" | sed q)
  [ -z "$kind" ] || _interleave_value "$word" ${kind#optional }
}

complete -F _interleave_bench bench ./scripts/bench scripts/bench
