"""A checkout as the tests need it: fake models, fake sources to read names from, real options."""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRESETS = ("pizza", "pizza-chain", "fanout", "layers", "compute", "parked")


def make_root(folder, models):
    """Makes `folder` a checkout whose built models are these names of fake_model.BEHAVIOURS, and
    all of them its default."""
    for name in ("models", "bench", "scripts", "build/release", "results"):
        (folder / name).mkdir(parents=True)
    script = (HERE / "fake_model.py").read_text()
    for name in (*models, "describe", "canary"):
        # -S -E: start at once, whatever is installed.
        program = folder / "build" / "release" / name
        program.write_text(f"#!{sys.executable} -SE\n{script}")
        program.chmod(0o755)
    for name in models:
        (folder / "models" / f"{name}.cpp").write_text(
            f'const bench::Model bench::model{{"{name}", Rung::idiomatic, Structure::workers,\n')
        (folder / "models" / f"{name}_test.cpp").write_text("")
    rows = "".join(f'    {{"{name}", "what it is", 3, 0, {name}}},\n' for name in PRESETS)
    (folder / "bench" / "presets.cpp").write_text("table\n" + rows)
    for name in ("options.txt", "bench", "prepare.sh"):
        text = (HERE.parent / name).read_text()
        text = re.sub(r"^(run *\| --models *\| models *\|)[^|]*", rf"\1 {','.join(models)} ", text,
                      flags=re.M)
        (folder / "scripts" / name).write_text(text)
    return folder


def write_files(root, texts):
    """Files of a machine below a folder: {"/proc/stat": text}. None removes one."""
    for path, text in texts.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
