"""Checks the manifests: what a user would apply, against Kubernetes' schemas and against our own rules.

    python main.py [--kubectl PROGRAM]

prints a line a check and exits 1 if one failed. With --kubectl, what `kubectl kustomize` makes must be the same.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import kubernetes_validate
import yaml

import breakages
import kustomization
import network
import pods

HERE = Path(__file__).resolve().parent.parent
# preStop.sleep came with 1.30. The newest is what the package brings.
OLDEST = "1.30"
NEWEST = kubernetes_validate.latest_version()
# Kinds that the cluster's own schemas do not have.
FOREIGN = {"PodMonitor"}
COMBINATIONS = [
    ("sqlite-single", []),
    ("sqlite-single", ["ingress", "pod-monitor"]),
    ("postgres-replicas", []),
    ("postgres-replicas", ["ingress", "pod-monitor"]),
    ("trial", []),
    ("trial", ["ingress"]),
]


def image_settings():
    """What the image's environment sets, which wins over opsseer.toml."""
    found = re.findall(r"\bOPSSEER_(\w+)=(\S+)", (HERE.parent / "docker/Dockerfile").read_text())
    if not found:
        raise SystemExit("ops/docker/Dockerfile sets no OPSSEER_ variable any more: image_settings must be changed")
    return {name.lower().replace("__", "."): value for name, value in found}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kubectl")
    kubectl = arguments.parse_args().kubectl
    project = tomllib.loads((HERE.parent.parent / "Cargo.toml").read_text())
    version, image = project["workspace"]["package"]["version"], image_settings()
    failed = unused_folders()
    seen_breakages = set()
    valid = set()
    for overlay, components in COMBINATIONS:
        name = " + ".join([overlay, *components])
        folders = [HERE / "components" / component for component in components]
        try:
            documents = kustomization.build_with(HERE / "overlays" / overlay, folders)
        except kustomization.Refused as refused:
            failed += report(name, [str(refused)])
            continue
        found = [*schema_faults(documents, valid), *faults(documents, version, image)]
        if kubectl:
            found += differences(kubectl, overlay, folders, documents)
        failed += report(f"{name}: {len(documents)} documents", found)
        if not found:
            seen_breakages |= set(breakages_found(documents, version, image))
    missed = sorted(set(breakages.BREAKAGES) - seen_breakages)
    failed += report(f"{len(seen_breakages)} faults made on purpose are found", [f"not found: {name}" for name in missed])
    if not kubectl:
        print("skipped no kubectl with kustomize is installed: what lint/kustomization.py makes is not compared with it")
    return 1 if failed else 0


def report(name, found):
    print(f"{'FAILED ' if found else 'ok     '} {name}")
    for fault in dict.fromkeys(found):
        print(f"        {fault}")
    return len(found)


def unused_folders():
    """Every overlay and component is part of some combination."""
    used = {overlay for overlay, _ in COMBINATIONS} | {name for _, components in COMBINATIONS for name in components}
    # A part of the overlay `trial`.
    used.add("trial-postgres")
    there = {folder.name for kind in ["overlays", "components"] for folder in (HERE / kind).iterdir()}
    return report("every overlay and component is looked at", [f"{name} is not" for name in sorted(there ^ used)])


def faults(documents, version, image):
    return [*pods.faults(documents, version), *network.faults(documents, image)]


def schema_faults(documents, valid):
    """`valid` remembers what was found sound in another combination."""
    for document in documents:
        text = yaml.safe_dump(document)
        if document["kind"] in FOREIGN or text in valid:
            continue
        for version in [OLDEST, NEWEST]:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                place = ".".join(str(part) for part in error.path)
                yield f"{document['kind']} {document['metadata']['name']}, {place}: {error.message} (Kubernetes {version})"
            except kubernetes_validate.SchemaNotFoundError as error:
                yield error.message
            else:
                valid.add(text)


def breakages_found(documents, version, image):
    for name, broken in breakages.all_of(documents):
        if faults(broken, version, image):
            yield name


def differences(kubectl, overlay, components, documents):
    """What `kubectl kustomize` makes otherwise, apart from the digest in the names of ConfigMaps."""
    with tempfile.TemporaryDirectory() as scratch:
        content = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "opsseer",
            "resources": [os.path.relpath(HERE / "overlays" / overlay, scratch)],
            "components": [os.path.relpath(component, scratch) for component in components],
        }
        (Path(scratch) / "kustomization.yaml").write_text(yaml.safe_dump(content))
        made = subprocess.run([kubectl, "kustomize", scratch], capture_output=True, text=True, timeout=60, check=False)
    if made.returncode != 0:
        yield f"kubectl kustomize: {made.stderr.strip()}"
        return
    text = re.sub(r"\bopsseer-config-[a-z0-9]{10}\b", "opsseer-config", made.stdout)
    theirs = {name_of(document): document for document in yaml.safe_load_all(text)}
    ours = {name_of(document): document for document in documents}
    for name in sorted(theirs.keys() | ours.keys()):
        difference = first_difference(theirs.get(name), ours.get(name), " ".join(name))
        if difference:
            yield f"kubectl kustomize makes something else: {difference}"


def first_difference(theirs, ours, place):
    """Where two documents part, in words; nothing if they are the same."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        pairs = [(key, theirs.get(key), ours.get(key)) for key in theirs.keys() | ours.keys()]
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        pairs = [(index, *pair) for index, pair in enumerate(zip(theirs, ours, strict=True))]
    elif theirs == ours:
        return None
    else:
        return f"{place} is {theirs}, not {ours}"
    found = (first_difference(one, other, f"{place}.{key}") for key, one, other in pairs)
    return next((difference for difference in found if difference), None)


def name_of(document):
    return document["kind"], document["metadata"]["name"]


if __name__ == "__main__":
    sys.exit(main())
