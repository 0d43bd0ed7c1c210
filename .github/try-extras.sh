#!/usr/bin/env bash
# Each extra from the built wheel in an empty environment, by the one command that it is for.
#     .github/try-extras.sh [EXTRA…]        all of them without names; "core" is none
# It builds the wheel, and needs the package registry; torch and its like take minutes and gigabytes. BORROW=FOLDER
# puts a folder with an installed torch on the path of each environment, for extras that bring it: pip takes it as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1
exec </dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tiny=(--set training.epochs=1 --set net.depth=1)

try() {
  case $1 in
    core) rkblocks check ssp3 && rkblocks compile ssp3 --target numpy -o step.py ;;
    torch) python -c 'import rkblocks, torch; print(rkblocks.build("ssp3", residual=torch.nn.Linear(2, 2))(torch.ones(1, 2)).shape)' ;;
    exact) python -c 'import flint' && rkblocks check ssprk104 ;;
    jax) rkblocks compile ssp3 --target jax -o step.py && python step.py ;;
    design) rkblocks design --stages 3 --order 3 --maximize ssp -o best.json && rkblocks check best.json ;;
    digits) python -c 'import sklearn.datasets as d; print(d.load_digits().images.shape)' && rkblocks check ssp3 ;;
    vision) python -c 'import torchvision, PIL' && rkblocks check ssp3 ;;
    figures) rkblocks show ssp3 --figure stability -o region.svg && test -s region.svg ;;
    tensorboard) python -c 'import tensorboard' && rkblocks check ssp3 ;;
    onnx) python -c 'import onnx, onnxscript, onnxruntime' && rkblocks check ssp3 ;;
    autoattack) python -c 'import pyautoattack' && rkblocks check ssp3 ;;
    testing) python -c 'import rkblocks; rkblocks.testing.assert_sound(rkblocks.load("ssp3")); rkblocks.testing.tableaus().example()' ;;
    study) python -c 'import rkblocks; print(rkblocks.study.load)' && rkblocks study --help >help.txt ;;
    demo) rkblocks train --preset digits --blocks ssp3 "${tiny[@]}" --out run && rkblocks evaluate run --attack fgsm --limit 50 ;;
    cluster) python -c 'import ray, rkblocks; rkblocks.study' ;;
    docs) python -m mkdocs --version && python -c 'import mkdocstrings, latex2mathml, material' ;;
    dev) python -m pytest --version && rkblocks check ssp3 ;;
    *) echo "no way is known to try the extra $1: add one here" >&2; return 1 ;;
  esac
}

python=${PYTHON:-python3}
if [ $# = 0 ]; then
  # shellcheck disable=SC2046
  set -- core $("$python" -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"])')
fi
"$python" -m venv "$scratch/build"
"$scratch/build/bin/pip" install -q --disable-pip-version-check build
"$scratch/build/bin/python" -m build --wheel --outdir "$scratch/dist" >"$scratch/build.log" || { cat "$scratch/build.log"; exit 1; }
wheel=$(ls "$scratch"/dist/*.whl)
failed=
for extra in "$@"; do
  echo "=== $extra"
  rm -rf "$scratch/env" "$scratch/work"
  mkdir "$scratch/work"
  "$python" -m venv "$scratch/env"
  [ -z "${BORROW:-}" ] || echo "$BORROW" >"$(echo "$scratch"/env/lib/python3*/site-packages)/borrowed.pth"
  named=$wheel
  [ "$extra" = core ] || named="rkblocks[$extra] @ file://$wheel"
  if "$scratch/env/bin/pip" install -q --disable-pip-version-check "$named" && (cd "$scratch/work" && PATH="$scratch/env/bin:$PATH" && try "$extra"); then
    echo "$extra works"
  else
    failed="$failed $extra"
  fi
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
