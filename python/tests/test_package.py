"""What users install: the wheel, the stubs, the examples."""
import ast
import base64
import hashlib
import inspect
import os
import pathlib
import subprocess
import sys
import zipfile

import ebgrasp
import numpy as np
import pytest

SOURCE = pathlib.Path(os.environ["EBGRASP_SOURCE"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    output = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, SOURCE / "python/make_wheel.py", "--package", pathlib.Path(ebgrasp.__file__).parent,
                    "--models", SOURCE / "models", "--license", SOURCE / "LICENSE", "--version", ebgrasp.__version__,
                    "--output", output], check=True, capture_output=True)
    (path,) = output.glob("*.whl")
    return path


def test_the_record_lists_every_file_with_its_digest(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (record,) = [name for name in names if name.endswith(".dist-info/RECORD")]
        rows = [line.split(",") for line in archive.read(record).decode().splitlines()]
        assert sorted(row[0] for row in rows) == sorted(names)
        for name, digest, size in rows:
            if name == record:
                continue
            data = archive.read(name)
            assert digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert int(size) == len(data)
    assert wheel.stat().st_size < 20e6
    assert wheel.name.split("-")[2] == f"cp{sys.version_info.major}{sys.version_info.minor}"


def test_the_wheel_plans_where_nothing_else_is(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:  # what pip does, but for the scripts
        archive.extractall(tmp_path)
    program = ("import ebgrasp, numpy; z = numpy.full((480, 640), 0.7); z[220:260, 300:330] = 0.66; "
               "plan = ebgrasp.Planner().plan(z); assert len(plan) > 0, plan.reason; print(ebgrasp.__file__)")
    environment = {key: value for key, value in os.environ.items() if key != "EBGRASP_MODELS"}
    result = subprocess.run([sys.executable, "-c", program], env={**environment, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path,
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().startswith(str(tmp_path))


def test_the_readmes_program_runs_as_printed(depth, tmp_path):
    program = (SOURCE / "README.md").read_text().split("```python\n")[1].split("```")[0]
    np.save(tmp_path / "depth.npy", depth)
    result = subprocess.run([sys.executable, "-c", program, tmp_path / "depth.npy", ebgrasp.find_model("seed")],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("row ")


def test_stubs_name_what_there_is():
    stubs = ast.parse((pathlib.Path(ebgrasp.__file__).parent / "__init__.pyi").read_text())
    needs = [name for feature, names in ebgrasp._NEEDS.items() if feature not in ebgrasp.features for name in names]
    declared = {}
    for node in stubs.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            declared[node.name] = node
    missing = [name for name in declared if name not in needs and not hasattr(ebgrasp, name)]
    assert not missing
    public = [name for name, value in vars(ebgrasp).items() if not name.startswith("_")
              and (inspect.isclass(value) or callable(value))]
    assert sorted(set(public) - set(declared)) == []
    for name, node in declared.items():
        if isinstance(node, ast.ClassDef) and name not in needs:
            members = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
            assert [m for m in members if not hasattr(getattr(ebgrasp, name), m)] == [], name


def test_everything_has_a_docstring():
    for name, value in vars(ebgrasp).items():
        if not name.startswith("_") and (inspect.isclass(value) or callable(value)) and name != "Error":
            assert value.__doc__, name


@pytest.mark.skipif("simulation" not in ebgrasp.features, reason="built without simulation")
@pytest.mark.parametrize("example", sorted(path.name for path in (SOURCE / "python/examples").glob("*.py")))
def test_examples_run(example, tmp_path):
    result = subprocess.run([sys.executable, SOURCE / "python/examples" / example], cwd=tmp_path, capture_output=True,
                            text=True, env={**os.environ, "MPLBACKEND": "Agg"})
    if "No module named 'matplotlib'" in result.stderr:
        pytest.skip("matplotlib is not installed")
    assert result.returncode == 0, result.stderr
    assert result.stdout
