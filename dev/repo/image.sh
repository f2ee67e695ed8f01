#!/bin/sh
# The steps of the Dockerfile, in a form that also runs where there is no container engine (tests/packaging runs it so).
#
#   image.sh fetch WHEELS               every package of requirements.lock and the build backend, checked by hash
#   image.sh build WHEELS               our own wheel, beside them
#   image.sh install WHEELS EXTRA VENV  an environment with what one service needs, from those files alone
#
# The lock holds one version of each package, so what an extra resolves to among these files is what was locked.
set -eu

cd -P "$(dirname "$0")/../.."

backend='hatchling packaging pathspec pluggy trove-classifiers'

pip() { "${PYTHON:-python3}" -m pip --no-input --disable-pip-version-check --quiet "$@"; }

# The entries of the named packages: a line with the version, then indented lines with its hashes.
locked() {
    awk -v names="$backend" '
        BEGIN { split(names, list); for (i in list) wanted[list[i]] = 1 }
        /^[a-zA-Z0-9]/ { split($0, part, "=="); keep = part[1] in wanted }
        /^ *#/ { next }
        keep
    ' requirements-dev.lock
}

fetch() {
    mkdir -p "$1/backend"
    pip download --no-deps --require-hashes --only-binary :all: --dest "$1" --requirement requirements.lock
    locked >"$1/backend.txt"
    pip download --no-deps --require-hashes --only-binary :all: --dest "$1/backend" --requirement "$1/backend.txt"
}

build() {
    pip install --no-deps --no-index --target "$1/backend/installed" "$1"/backend/*.whl
    PYTHONPATH="$1/backend/installed" pip wheel --no-deps --no-build-isolation --wheel-dir "$1" .
}

install() {
    "${PYTHON:-python3}" -m venv --without-pip "$3"
    pip --python "$3/bin/python" install --no-index --find-links "$1" --only-binary :all: "kubemin[$2]"
    # Their libraries are in the image of the gateway alone, or in none.
    rm -f "$3/bin/kubemin"
    [ "$2" = gateway ] || rm -f "$3/bin/kubemin-admin"
}

step=$1
shift
"$step" "$@"
