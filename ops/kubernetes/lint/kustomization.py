"""Puts a kustomization together, as `kubectl kustomize` does, of those of its features that this folder uses.

Whatever it does not know it refuses, so that it cannot be wrong quietly. Where a kubectl is installed, `check` compares.
"""

import copy
from pathlib import Path

import yaml

KNOWN = {
    "apiVersion",
    "kind",
    "namespace",
    "resources",
    "components",
    "configMapGenerator",
    "patches",
}
CLUSTER_WIDE = {"Namespace"}
# What tells the items of a list apart; all other lists are replaced as a whole.
KEYS = {
    "containers": "name",
    "env": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


class Refused(Exception):
    """A kustomization that cannot be put together, and why."""


def build(folder):
    """The documents of a kustomization."""
    return _build(Path(folder), [])


def build_with(folder, components):
    """The documents of a kustomization with further components, as an overlay of a user's own would have them."""
    documents = build(folder)
    for component in components:
        documents = _build(Path(component), documents)
    namespace = _read(Path(folder))["namespace"]
    for document in documents:
        _move(document, namespace)
    return documents


def _read(folder):
    file = folder / "kustomization.yaml"
    if not file.is_file():
        raise Refused(f"{file} is not there")
    content = yaml.safe_load(file.read_text())
    unknown = set(content) - KNOWN
    if unknown:
        raise Refused(f"{file}: {', '.join(sorted(unknown))} is not understood by lint/kustomization.py")
    return content


def _build(folder, documents):
    """`documents` is what a component is added to; empty for anything else."""
    content = _read(folder)
    used = {"kustomization.yaml"}
    documents = list(documents)
    for name in content.get("resources", []):
        path = folder / name
        if path.is_dir():
            documents += _build(path, [])
        else:
            used.add(name)
            documents += _documents(path)
    for generator in content.get("configMapGenerator", []):
        used.update(generator["files"])
        documents.append(_config_map(folder, generator))
    for patch in content.get("patches", []):
        if set(patch) != {"path"}:
            raise Refused(f"{folder}: a patch is a path and nothing else")
        used.add(patch["path"])
        for change in _documents(folder / patch["path"]):
            _patch(documents, change, folder / patch["path"])
    for name in content.get("components", []):
        documents = _build(folder / name, documents)
    forgotten = {file.name for file in folder.iterdir() if file.is_file()} - used
    if forgotten:
        raise Refused(f"{folder}: {', '.join(sorted(forgotten))} is not named in kustomization.yaml")
    if "namespace" in content:
        for document in documents:
            _move(document, content["namespace"])
    return documents


def _documents(path):
    if not path.is_file():
        raise Refused(f"{path} is not there")
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _config_map(folder, generator):
    if set(generator) != {"name", "files"}:
        raise Refused(f"{folder}: a generated ConfigMap has a name and files and nothing else")
    data = {name: (folder / name).read_text() for name in generator["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}


def _move(document, namespace):
    if document["kind"] not in CLUSTER_WIDE:
        document["metadata"]["namespace"] = namespace


def _patch(documents, change, path):
    def same(document):
        return (document["kind"], document["metadata"]["name"]) == (change["kind"], change["metadata"]["name"])

    targets = [index for index, document in enumerate(documents) if same(document)]
    if len(targets) != 1:
        raise Refused(f"{path} changes {change['kind']} {change['metadata']['name']}, which is there {len(targets)} times")
    documents[targets[0]] = _merge(documents[targets[0]], change, None)


def _merge(old, new, field):
    """Kubernetes' strategic merge: objects by their keys, lists of known fields by the name of their items."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = copy.copy(old)
        for key, value in new.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = _merge(old.get(key), value, key)
        return merged
    if isinstance(old, list) and isinstance(new, list) and field in KEYS:
        return _merge_items(old, new, KEYS[field])
    return copy.deepcopy(new)


def _merge_items(old, new, key):
    merged = {item[key]: item for item in old}
    added = [item for item in new if item[key] not in merged]
    for item in new:
        if item[key] in merged:
            merged[item[key]] = _merge(merged[item[key]], item, None)
    # Kustomize puts what is new in front.
    return added + list(merged.values())
