"""What must hold of who reaches whom, and of what keeps replicas from going at once."""

import tomllib

from pods import labels, ports, selects, workloads


def faults(documents, image):
    """Each fault in words. `image` is what the image's own environment sets: keys as in opsseer.toml, with dots."""
    of_kind = {}
    for document in documents:
        of_kind.setdefault(document["kind"], []).append(document)
    running = workloads(documents)
    for service in of_kind.get("Service", []):
        yield from _service(service, running)
    for workload in running:
        yield from _reached_by_few(workload, of_kind.get("NetworkPolicy", []))
        yield from _disruption_budget(workload, of_kind.get("PodDisruptionBudget", []))
        name = workload["spec"].get("serviceName")
        if name and name not in {service["metadata"]["name"] for service in of_kind.get("Service", [])}:
            yield f"{workload['kind']} {workload['metadata']['name']}: there is no Service {name}"
    for policy in of_kind.get("NetworkPolicy", []):
        yield from _policy(policy, running)
    for budget in of_kind.get("PodDisruptionBudget", []):
        if not any(selects(budget["spec"]["selector"], workload) for workload in running):
            yield f"PodDisruptionBudget {budget['metadata']['name']} selects nothing"
    for monitor in of_kind.get("PodMonitor", []):
        yield from _pod_monitor(monitor, running)
    for ingress in of_kind.get("Ingress", []):
        yield from _ingress(ingress, of_kind)
    yield from _settings(documents, running, image)


def _selected(selector, running):
    return next((workload for workload in running if selects(selector, workload)), None)


def _service(service, running):
    name = service["metadata"]["name"]
    workload = _selected(service["spec"]["selector"], running)
    if not workload:
        yield f"Service {name} selects nothing"
        return
    for port in service["spec"]["ports"]:
        if port["targetPort"] not in ports(workload):
            yield f"Service {name} leads to port {port['targetPort']}, which {workload['metadata']['name']} does not have"
    if service["spec"].get("type", "ClusterIP") != "ClusterIP":
        yield f"Service {name} is reached from outside, and there is no sign-in"


def _reached_by_few(workload, policies):
    mine = [policy["spec"] for policy in policies if selects(policy["spec"]["podSelector"], workload)]
    for direction in ["Ingress", "Egress"]:
        if not any(direction in policy["policyTypes"] for policy in mine):
            yield f"no NetworkPolicy limits the {direction.lower()} of {workload['metadata']['name']}"


def _policy(policy, running):
    name = policy["metadata"]["name"]
    workload = _selected(policy["spec"]["podSelector"], running)
    if not workload:
        yield f"NetworkPolicy {name} selects nothing"
        return
    for rule in policy["spec"].get("ingress", []):
        if not rule.get("from") or any(not peer.get("podSelector") for peer in rule["from"]):
            yield f"NetworkPolicy {name} lets in more than named pods, and there is no sign-in"
        for port in rule.get("ports", [{}]):
            if port.get("port") not in ports(workload):
                yield f"NetworkPolicy {name} opens port {port.get('port')}, which {workload['metadata']['name']} does not have"
    for rule in policy["spec"].get("egress", []):
        if not rule.get("ports"):
            yield f"NetworkPolicy {name} lets everything out"


def _disruption_budget(workload, budgets):
    replicas = workload["spec"].get("replicas", 1)
    mine = [budget for budget in budgets if selects(budget["spec"]["selector"], workload)]
    name = workload["metadata"]["name"]
    if replicas > 1 and not mine:
        yield f"no PodDisruptionBudget keeps a replica of {name}"
    for budget in mine:
        if budget["spec"].get("maxUnavailable") not in range(1, replicas):
            yield f"the PodDisruptionBudget of {name} lets go of all of its {replicas} replicas, or of none"
        if budget["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"the PodDisruptionBudget of {name} keeps nodes from being drained while it is not ready"


def _pod_monitor(monitor, running):
    name = monitor["metadata"]["name"]
    workload = _selected(monitor["spec"]["selector"], running)
    if not workload:
        yield f"PodMonitor {name} selects nothing"
        return
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        if endpoint["port"] not in ports(workload):
            yield f"PodMonitor {name} asks port {endpoint['port']}, which is not there"
    if labels(workload).get(monitor["spec"].get("jobLabel")) != "opsseer":
        yield f"PodMonitor {name} does not name the job opsseer, by which the rules go"
    if workload["spec"]["template"]["metadata"].get("annotations", {}).get("prometheus.io/scrape"):
        yield f"{workload['metadata']['name']} is scraped twice"


def _ingress(ingress, of_kind):
    name = ingress["metadata"]["name"]
    annotations = {key.split("/")[-1]: value for key, value in ingress["metadata"].get("annotations", {}).items()}
    for wanted in ["auth-url", "auth-signin"]:
        if wanted not in annotations:
            yield f"Ingress {name} has no {wanted}, and OpsSeer has no sign-in"
    if annotations.get("proxy-buffering") != "off":
        yield f"Ingress {name} buffers live streams"
    covered = {host for entry in ingress["spec"].get("tls", []) for host in entry["hosts"]}
    services = {service["metadata"]["name"]: service for service in of_kind.get("Service", [])}
    for rule in ingress["spec"]["rules"]:
        if rule.get("host") not in covered:
            yield f"Ingress {name}: {rule.get('host')} has no certificate"
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            service = services.get(backend["name"])
            if not service or backend["port"].get("name") not in {port["name"] for port in service["spec"]["ports"]}:
                yield f"Ingress {name} leads to {backend['name']}, which is not there"


def _settings(documents, running, image):
    """The settings in the ConfigMap, the image and the pod around them say the same."""
    text = next((d["data"]["opsseer.toml"] for d in documents if d["kind"] == "ConfigMap" and "opsseer.toml" in d["data"]), None)
    server = next((workload for workload in running if workload["metadata"]["name"] == "opsseer"), None)
    if text is None or server is None:
        yield "there is no opsseer.toml for a server"
        return
    settings = tomllib.loads(text)
    for key, value in image.items():
        section, _, name = key.rpartition(".")
        ours = (settings.get(section, {}) if section else settings).get(name, value)
        if ours != value:
            yield f"opsseer.toml says {key} = {ours}, but the image's environment, which wins, says {value}"
    bind = settings["http"]["bind"]
    if bind != f"0.0.0.0:{ports(server)['http']}":
        yield f"opsseer.toml listens on {bind}, where no probe asks"
    container = server["spec"]["template"]["spec"]["containers"][0]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    if settings["data_dir"] not in mounts or mounts[settings["data_dir"]].get("readOnly"):
        yield f"opsseer.toml keeps data in {settings['data_dir']}, which is no volume that can be written"
    if settings["runbooks"]["dir"] not in mounts:
        yield f"opsseer.toml looks for runbooks in {settings['runbooks']['dir']}, which no volume is mounted on"
    # Named by the whole name: `opsseer` alone is nobody's inside the cluster but ours.
    namespace = server["metadata"]["namespace"]
    if f"opsseer.{namespace}.svc" not in settings["http"]["allowed_hosts"]:
        yield "opsseer.toml refuses the Service's own name"
