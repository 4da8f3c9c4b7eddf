"""Packaging; everything else about the project is in README.md."""

import pathlib

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent

SERVE = [
    *("starlette>=0.37", "uvicorn>=0.29", "httptools>=0.6", "prometheus-client>=0.19"),
    "uvloop>=0.19; sys_platform != 'win32'",
]
FORMATS = ["pyarrow", "lmdb", "defusedxml"]
GRPC = ["tensorflow-serving-api>=2.15"]
DEVELOPMENT = [
    *("pytest", "pytest-xdist", "hypothesis", "ruff", "mypy", "matplotlib", "jinja2", "httpx"),
    "kubernetes-validate",  # schemas for the manifests in docs/deploy/
]


def version() -> str:
    """The version, from the package without importing it."""
    for line in (HERE / "aocr" / "__init__.py").read_text(encoding="utf-8").splitlines():
        if line.startswith("__version__"):
            return line.split('"')[1]
    raise RuntimeError("aocr/__init__.py has no __version__")


setup(
    name="aocr",
    version=version(),
    description="Train, measure, export and serve an attention-based reader of word images",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10",
    packages=find_packages(include=["aocr", "aocr.*"]),
    package_data={
        "aocr": ["pretrained/*/*"],
        "aocr.report": ["report.html"],
        "aocr.server": ["page/index.html"],
    },
    install_requires=(HERE / "requirements.txt").read_text(encoding="utf-8").split(),
    extras_require={
        "gpu": ["tensorflow[and-cuda]"],
        "gcs": ["tensorflow-io-gcs-filesystem"],
        "onnx": ["tf2onnx", "onnx", "onnxruntime"],
        "report": ["matplotlib", "jinja2"],
        "tensorboard": ["tensorboard"],
        "serve": SERVE,
        "grpc": [*SERVE, *GRPC],
        "formats": FORMATS,
        "dev": [*DEVELOPMENT, *SERVE, *GRPC, *FORMATS],
    },
    entry_points={"console_scripts": ["aocr=aocr.__main__:main"]},
    classifiers=[
        "Environment :: Console",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
