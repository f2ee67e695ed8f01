#!/bin/sh
# Makes .venv from the hashed lock and installs the project into it. Does nothing when that is already so.
# A shell script, because it has to work where no usable Python is.
set -eu

cd -P "$(dirname "$0")/../.."

venv=.venv
lock=requirements-dev.lock
stamp=$venv/.set-up
log=$venv/set-up.log
wanted=${PYTHON:-}

say() { printf '%s\n' "setup: $*"; }
fail() {
    printf '%s\n' "setup: $*" >&2
    exit 1
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' </dev/null 2>/dev/null; }

supported() {
    case $1 in
    3.11 | 3.12 | 3.13) return 0 ;;
    *) return 1 ;;
    esac
}

has_venv() { "$1" -c 'import ensurepip, venv' </dev/null >/dev/null 2>&1; }

# Sets `python` to the first interpreter that will do, or ends with what was wrong with the first that was there.
find_python() {
    problem=
    if [ -n "$wanted" ]; then
        set -- "$wanted"
    else
        set -- python3.13 python3.12 python3.11 python3 python
    fi
    for candidate; do
        found=$(version_of "$candidate") || continue
        if ! supported "$found"; then
            problem=${problem:-"$candidate is Python $found"}
        elif ! has_venv "$candidate"; then
            problem=${problem:-"$candidate lacks venv and ensurepip (on Debian and Ubuntu: apt install python$found-venv)"}
        else
            python=$candidate
            return 0
        fi
    done
    fail "KubeMin needs Python 3.11, 3.12 or 3.13, but ${problem:-"there is no ${wanted:-Python on PATH}"}."
}

# Everything the environment was made from.
inputs() { cat pyproject.toml "$lock" dev/repo/setup.sh; }

# A virtual environment knows its own path: a copied or moved one would run the programs of the old place.
stands_here() { grep -qF "$PWD/$venv" "$venv/bin/activate" 2>/dev/null; }

is_wanted() { [ -z "$wanted" ] || [ "$(version_of "$wanted")" = "$(version_of "$venv/bin/python")" ]; }

if [ -f "$stamp" ] && inputs | cmp -s - "$stamp" && stands_here && [ -x "$venv/bin/python" ] && is_wanted; then
    exit 0
fi

# One line that moves on a terminal; elsewhere a line for every tenth package.
show_progress() {
    total=$(grep -c '^[a-zA-Z0-9._-]*==' "$lock")
    count=0
    while IFS= read -r line; do
        printf '%s\n' "$line" >&3
        case $line in
        Collecting\ * | Requirement\ already\ satisfied:\ *)
            count=$((count + 1))
            if [ -t 1 ]; then
                printf '\r\033[K  %d of about %d' "$count" "$total"
            elif [ $((count % 10)) = 0 ]; then
                echo "  $count of about $total"
            fi
            ;;
        Installing\ collected\ packages*)
            if [ -t 1 ]; then printf '\r\033[K'; fi
            echo "  writing the files"
            ;;
        esac
    done 3>"$log"
    if [ -t 1 ]; then printf '\r\033[K'; fi
}

pip_install() {
    status_file=$venv/set-up.status
    {
        status=0
        "$venv/bin/python" -m pip install --no-input --disable-pip-version-check "$@" </dev/null 2>&1 || status=$?
        echo "$status" >"$status_file"
    } | show_progress
    status=$(cat "$status_file")
    rm -f "$status_file"
    if [ "$status" != 0 ]; then
        tail -n 15 "$log" >&2
        fail "pip could not install the packages; can it reach its package index? (All it said is in $log.)"
    fi
}

rm -f "$stamp"
current=
if [ -x "$venv/bin/python" ]; then
    current=$(version_of "$venv/bin/python") || current=
fi
if [ -n "$current" ] && supported "$current" && stands_here && is_wanted && "$venv/bin/python" -c 'import pip'; then
    say "bringing .venv (Python $current) up to date"
else
    find_python
    say "making .venv with $python (Python $(version_of "$python"))"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "$python could not make a virtual environment."
fi

say "installing the packages of $lock, checked by hash (the first time a minute or two)"
pip_install --require-hashes --only-binary :all: -r "$lock"
say "installing kubemin itself, editable"
pip_install --no-deps --no-build-isolation --editable .
inputs >"$stamp"
say "done"
