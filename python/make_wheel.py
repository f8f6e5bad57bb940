#!/usr/bin/env python3
"""Makes a wheel of the built package, by the wheel format's description (PEP 427), with the standard library alone."""
import argparse
import base64
import hashlib
import pathlib
import sysconfig
import zipfile

METADATA = """Metadata-Version: 2.1
Name: ebgrasp
Version: {version}
Summary: A depth image in, ranked parallel-jaw grasps out, by descending one learned energy
License: MIT
Requires-Python: >=3.9
Requires-Dist: numpy
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Scientific/Engineering
Description-Content-Type: text/plain

Planning, labelling, data and simulation of parallel-jaw grasps. The compiled module uses the system's libraries
(Debian 12: scripts/install-dependencies deploy data simulate).
"""

WHEEL = """Wheel-Version: 1.0
Generator: ebgrasp make_wheel
Root-Is-Purelib: false
Tag: {tag}
"""


def wheel_tag():
    """Of this interpreter: cp311-cp311-linux_x86_64."""
    python = "cp" + sysconfig.get_config_var("py_version_nodot")
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"{python}-{python}-{platform}"


def contents(arguments):
    """Names in the archive and their bytes."""
    for file in sorted(arguments.package.iterdir()):
        if file.suffix in (".py", ".pyi", ".so") or file.name == "py.typed":
            yield f"ebgrasp/{file.name}", file.read_bytes()
    for file in sorted(arguments.models.glob("*.safetensors")):
        yield f"ebgrasp/models/{file.name}", file.read_bytes()
    info = f"ebgrasp-{arguments.version}.dist-info"
    yield f"{info}/LICENSE", arguments.license.read_bytes()
    yield f"{info}/METADATA", METADATA.format(version=arguments.version).encode()
    yield f"{info}/WHEEL", WHEEL.format(tag=wheel_tag()).encode()


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("package", "models", "license", "output"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--version", required=True)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / f"ebgrasp-{arguments.version}-{wheel_tag()}.whl"
    record = f"ebgrasp-{arguments.version}.dist-info/RECORD"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        lines = ""
        for name, data in contents(arguments):
            # A fixed date: the same files give the same wheel.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            wheel.writestr(entry, data)
            lines += record_line(name, data)
        wheel.writestr(zipfile.ZipInfo(record, date_time=(1980, 1, 1, 0, 0, 0)), lines + record + ",,\n")
    print(path)


if __name__ == "__main__":
    main()
