"""The image and the manifests in `docs/deploy/`, as far as they can be tested without a cluster."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from aocr.cli.command import build_parser

ROOT = pathlib.Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
MANIFESTS = sorted(DEPLOY.glob("*.yaml"))

VERSIONS = ("1.27", "1.37")
"""Those of Kubernetes whose schemas the manifests must fit."""


def documents(path):
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def named(name, kind):
    (found,) = (
        document
        for path in MANIFESTS
        for document in documents(path)
        if (document["kind"], document["metadata"]["name"]) == (kind, name)
    )
    return found


def pod_of(document):
    return document["spec"]["template"]["spec"]


def container_of(document):
    (container,) = pod_of(document)["containers"]
    return container


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_fit_the_published_schemas(path, version):
    validate = pytest.importorskip("kubernetes_validate").validate
    for document in documents(path):
        validate(document, version, strict=True)


def test_a_wrong_manifest_does_not_fit_the_schema():
    validator = pytest.importorskip("kubernetes_validate")
    document = named("aocr-train", "Job")
    document["spec"]["completion"] = 2
    with pytest.raises(validator.ValidationError):
        validator.validate(document, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", ["aocr-dataset", "aocr-inspect", "aocr-train", "aocr-reader"])
def test_pods_have_resources_and_no_root(name):
    document = named(name, "Deployment" if name == "aocr-reader" else "Job")
    assert pod_of(document)["securityContext"]["runAsNonRoot"] is True
    resources = container_of(document)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert "memory" in resources["limits"]


def test_each_pod_of_the_dataset_job_builds_a_shard_of_its_own(monkeypatch):
    job = named("aocr-dataset", "Job")
    pods = job["spec"]["completions"]
    outputs = set()
    for index in range(pods):
        monkeypatch.setenv("JOB_COMPLETION_INDEX", str(index))
        args = build_parser().parse_args(container_of(job)["args"])
        outputs.add(args.task(args).outputs[0].path)
    expected = {f"gs://BUCKET/data/words-{n:05}-of-{pods:05}.tfrecords" for n in range(pods)}
    assert outputs == expected


def run_script(container, folder, stub, **variables):
    """Runs a container's shell script with a stub as `python3`."""
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\n{stub}\n")
    program.chmod(0o755)
    environment = os.environ | variables | {"PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(
        [*container["command"], *container["args"]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("index", [0, 1])
def test_the_training_job_tells_each_pod_its_place(tmp_path, index):
    job, service = named("aocr-train", "Job"), named("aocr-train", "Service")
    stub = 'printf "%s\\n" "$TF_CONFIG" "$*"'
    done = run_script(container_of(job), tmp_path, stub, JOB_COMPLETION_INDEX=str(index))
    config, command = done.stdout.splitlines()
    port = service["spec"]["ports"][0]["port"]
    domain = service["metadata"]["name"]
    workers = [
        f"{job['metadata']['name']}-{n}.{domain}:{port}" for n in range(job["spec"]["completions"])
    ]
    task = {"type": "worker", "index": index}
    assert json.loads(config) == {"cluster": {"worker": workers}, "task": task}
    assert pod_of(job)["subdomain"] == domain
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    module, name, *arguments = command.split()
    assert (module, name) == ("-m", "aocr")
    args = build_parser().parse_args(arguments)
    assert (args.recipe, args.dataset, args.cluster_timeout) == (
        "modern",
        ["gs://BUCKET/data"],
        900,
    )


@pytest.mark.parametrize("missing", [[], ["words-00001-of-00016.tfrecords"]])
def test_the_last_job_fails_if_a_shard_is_missing(tmp_path, missing):
    report = json.dumps({"datasets": [{"missing": []}, {"missing": missing}]})
    stub = f'[ "$1" = -m ] && echo \'{report}\' || exec {sys.executable} "$@"'
    done = run_script(container_of(named("aocr-inspect", "Job")), tmp_path, stub)
    assert json.loads(done.stdout) == json.loads(report), done.stderr
    assert done.returncode == bool(missing)


def test_readiness_and_ports_of_the_servers_agree():
    deployment, service = named("aocr-reader", "Deployment"), named("aocr-reader", "Service")
    container = container_of(deployment)
    assert deployment["spec"]["replicas"] == 2
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert f"--rest_api_port={ports['rest']}" in container["args"]
    assert f"--port={ports['grpc']}" in container["args"]
    probe = container["readinessProbe"]["httpGet"]
    assert probe["port"] in ports
    (model,) = (arg for arg in container["args"] if arg.startswith("--model_name="))
    assert probe["path"].startswith(f"/v1/models/{model.partition('=')[2]}")


def instructions():
    """Returns the instructions of the Dockerfile, each with its arguments."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_runs_without_root_on_a_base_of_choice():
    found = instructions()
    assert found[0] == ("ARG", "BASE=python:3.12-slim")
    bases = [arguments.split()[0] for name, arguments in found if name == "FROM"]
    assert bases == ["${BASE}", "dependencies", "${BASE}"]
    final = found[max(n for n, (name, _) in enumerate(found) if name == "FROM") :]
    assert dict(final)["USER"] == "1000:1000"
    assert json.loads(dict(final)["ENTRYPOINT"]) == ["python3", "-m", "aocr"]
    for name, arguments in found:
        if name == "RUN" and "pip install" in arguments:
            assert "--no-cache-dir" in arguments


def test_what_the_image_copies_is_there_and_sent_to_the_builder():
    copied = [
        source
        for name, arguments in instructions()
        if name == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    ]
    ignored, *sent = (
        line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()[1:]
    )
    assert ignored == "*"
    sent = {line[1:] for line in sent if line.startswith("!")}
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.partition("/")[0] in sent, source
    assert sent == {source.partition("/")[0] for source in copied}
    (extras,) = {
        arguments.partition("=")[2]
        for name, arguments in instructions()
        if name == "ARG" and arguments.startswith("EXTRAS=")
    }
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    for extra in (*extras.split(","), "gpu"):
        assert f'"{extra}": ' in setup


def test_the_package_of_a_training_service_runs_as_a_module(tmp_path):
    """`gcloud ai-platform` packs the folder around `--package-path` with its setup.py."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "aocr", tree / "aocr", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "requirements.txt"):
        shutil.copy(ROOT / name, tree)
    shutil.copy(ROOT / "CHANGELOG.md", tree)
    pack = [sys.executable, "setup.py", "-q", "sdist", "--formats=gztar", "--dist-dir=out"]
    subprocess.run(pack, cwd=tree, check=True, capture_output=True)
    (archive,) = (tree / "out").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "installed")
    (package,) = (tmp_path / "installed").iterdir()
    packed = {path.relative_to(package) for path in (package / "aocr").rglob("*")}
    assert packed == {path.relative_to(tree) for path in (tree / "aocr").rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", "aocr", "--job-dir=gs://bucket/job", "train", "--help"],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("usage: aocr train")
