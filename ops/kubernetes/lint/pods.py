"""What must hold of everything that runs pods."""

import re

WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job"}
PROBES = ["startupProbe", "readinessProbe", "livenessProbe"]
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|API_KEY|STORE__URL")
# lifecycle.preStop, then crates/opsseer/src/server.rs GRACE (10 s) and app.rs stop (jobs.grace 5 s + store.timeout 10 s + 5 s),
# then 5 s for the store to close.
DRAIN_SECONDS = 10 + 20 + 5


def faults(documents, version):
    """Each fault in words. `version` is what the image of OpsSeer must be pinned to."""
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    if len(names) != len(documents):
        yield "two documents have the same kind and name"
    for document in documents:
        kind = document["kind"]
        if kind == "Secret":
            yield f"Secret {document['metadata']['name']} is committed"
        if kind != "Namespace" and document["metadata"].get("namespace") != "opsseer":
            yield f"{kind} {document['metadata']['name']} is not in the namespace opsseer"
        if kind == "Namespace" and _label(document, "pod-security.kubernetes.io/enforce") != "restricted":
            yield "the namespace does not enforce the restricted pod security standard"
    for workload in workloads(documents):
        where = f"{workload['kind']} {workload['metadata']['name']}"
        for fault in _workload(workload, names, version):
            yield f"{where}: {fault}"


def workloads(documents):
    """Everything that has a template of pods."""
    return [document for document in documents if document["kind"] in WORKLOADS]


def labels(workload):
    """The labels of its pods."""
    return workload["spec"]["template"]["metadata"].get("labels", {})


def ports(workload):
    """Its named ports, with their numbers."""
    containers = workload["spec"]["template"]["spec"]["containers"]
    return {port["name"]: port["containerPort"] for container in containers for port in container.get("ports", [])}


def selects(selector, workload):
    """Whether a selector of plain labels means its pods. One without labels means nothing here: it would mean everything."""
    wanted = selector.get("matchLabels", selector)
    return bool(wanted) and wanted.items() <= labels(workload).items()


def _label(document, name):
    return document["metadata"].get("labels", {}).get(name)


def _workload(workload, names, version):
    spec = workload["spec"]
    pod = spec["template"]["spec"]
    if not selects(spec["selector"], workload):
        yield "its selector does not match its own pods"
    if pod.get("automountServiceAccountToken") is not False:
        yield "its pods hold a token for Kubernetes"
    if pod.get("enableServiceLinks") is not False:
        yield "other services' addresses get into its environment"
    account = pod.get("serviceAccountName")
    if account and ("ServiceAccount", account) not in names:
        yield f"there is no ServiceAccount {account}"
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
        yield "its pods may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "its pods have no seccomp profile"
    yield from _volumes(workload, names)
    for container in pod.get("initContainers", []) + pod["containers"]:
        for fault in _container(container, version):
            yield f"container {container['name']}: {fault}"
    if workload["metadata"]["name"] == "opsseer":
        yield from _server(workload)


def _volumes(workload, names):
    pod = workload["spec"]["template"]["spec"]
    claimed = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    mounted = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", [])}
    for name in sorted(mounted ^ (volumes.keys() | claimed)):
        yield f"volume {name} is not both there and mounted"
    for name, volume in volumes.items():
        if volume.get("emptyDir") is not None and "sizeLimit" not in volume["emptyDir"]:
            yield f"volume {name} has no limit"
        if "hostPath" in volume:
            yield f"volume {name} is a folder of the node"
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and ("PersistentVolumeClaim", claim) not in names:
            yield f"there is no PersistentVolumeClaim {claim}"
        config = volume.get("configMap", {})
        if config and not config.get("optional") and ("ConfigMap", config["name"]) not in names:
            yield f"there is no ConfigMap {config['name']}"


def _container(container, version):
    tag = re.fullmatch(r"(?P<name>[^@]+):(?P<tag>[^:/@]+)(@sha256:[0-9a-f]{64})?", container["image"])
    if not tag or tag["tag"] == "latest":
        yield f"its image {container['image']} is not pinned to a version"
    elif tag["name"].split("/")[-1] == "opsseer" and tag["tag"] != version:
        yield f"its image {container['image']} is not this version, {version}"
    names = {port["name"] for port in container.get("ports", [])}
    for probe in PROBES:
        asked = container.get(probe)
        if not asked:
            yield f"no {probe}"
            continue
        if "timeoutSeconds" not in asked:
            yield f"its {probe} has no time-out"
        port = asked.get("httpGet", {}).get("port")
        if port is not None and port not in names:
            yield f"its {probe} asks port {port}, which it does not have"
    resources = container.get("resources", {})
    for wanted in [("limits", "memory"), ("requests", "memory"), ("requests", "cpu")]:
        if wanted[1] not in resources.get(wanted[0], {}):
            yield f"no {wanted[0]} of {wanted[1]}"
    context = container.get("securityContext", {})
    if context.get("readOnlyRootFilesystem") is not True:
        yield "its root can be written"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "it may gain rights"
    if context.get("capabilities", {}).get("drop") != ["ALL"] or context["capabilities"].get("add"):
        yield "it has capabilities"
    for variable in container.get("env", []):
        if SECRET.search(variable["name"]) and "secretKeyRef" not in variable.get("valueFrom", {}):
            yield f"{variable['name']} does not come from a Secret"


def _server(workload):
    """What OpsSeer itself asks, beside what is good for any pod."""
    spec = workload["spec"]
    pod = spec["template"]["spec"]
    server = next(container for container in pod["containers"] if container["name"] == "opsseer")
    for probe, path in zip(PROBES, ["/healthz", "/readyz", "/healthz"], strict=True):
        if server.get(probe, {}).get("httpGet", {}).get("path") != path:
            yield f"its {probe} does not ask {path}"
    wait = server.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if wait < 1:
        yield "it ends before others stop sending to it"
    if pod.get("terminationGracePeriodSeconds", 30) < wait + DRAIN_SECONDS:
        yield f"it is killed before it has ended, which may take {wait + DRAIN_SECONDS} s"
    data = next((volume for volume in pod["volumes"] if volume["name"] == "data"), {})
    strategy = spec.get("strategy", {})
    shared = any(variable["name"] == "OPSSEER_STORE__URL" for variable in server.get("env", []))
    if "persistentVolumeClaim" in data:
        if spec.get("replicas") != 1 or strategy.get("type") != "Recreate" or shared:
            yield "SQLite on a volume has one process, which ends before the next begins"
    elif not shared:
        yield "its data is gone with its pod: there is neither a volume nor OPSSEER_STORE__URL"
    if spec.get("replicas", 1) > 1:
        if strategy.get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield "an update may leave fewer replicas than asked for"
        if not _keeps_apart(pod, workload):
            yield "its replicas may all be on one node"


def _keeps_apart(pod, workload):
    rules = pod.get("affinity", {}).get("podAntiAffinity", {})
    preferred = [rule["podAffinityTerm"] for rule in rules.get("preferredDuringSchedulingIgnoredDuringExecution", [])]
    terms = rules.get("requiredDuringSchedulingIgnoredDuringExecution", []) + preferred
    return any(term["topologyKey"] == "kubernetes.io/hostname" and selects(term["labelSelector"], workload) for term in terms)
