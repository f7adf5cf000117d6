"""Faults that the rules must find: each is made on purpose in documents that have none."""

import copy


def all_of(documents):
    """Names of faults, with the documents that have them."""
    for name, (kind, thing, change) in BREAKAGES.items():
        broken = copy.deepcopy(documents)
        for document in broken:
            if (document["kind"], document["metadata"]["name"]) == (kind, thing):
                change(document)
                yield name, broken


def _pod(change):
    return "Deployment", "opsseer", lambda document: change(document["spec"]["template"]["spec"])


def _container(change):
    return _pod(lambda pod: change(pod["containers"][0]))


def _spec(kind, name, change):
    return kind, name, lambda document: change(document["spec"])


def _deployment(change):
    return _spec("Deployment", "opsseer", change)


def _setting(old, new):
    def change(document):
        text = document["data"]["opsseer.toml"]
        assert old in text, old
        document["data"]["opsseer.toml"] = text.replace(old, new)

    return "ConfigMap", "opsseer-config", change


BREAKAGES = {
    # Pods.
    "an image without a version": _container(lambda it: it.update(image="opsseer:latest")),
    "another version's image": _container(lambda it: it.update(image="registry.example/opsseer:0.0.9")),
    "no liveness probe": _container(lambda it: it.pop("livenessProbe")),
    "no startup probe": _container(lambda it: it.pop("startupProbe")),
    "liveness by the store": _container(lambda it: it["livenessProbe"]["httpGet"].update(path="/readyz")),
    "a probe of no port": _container(lambda it: it["readinessProbe"]["httpGet"].update(port="web")),
    "a probe without a time-out": _container(lambda it: it["readinessProbe"].pop("timeoutSeconds")),
    "no limit of memory": _container(lambda it: it["resources"]["limits"].pop("memory")),
    "no request of CPU": _container(lambda it: it["resources"]["requests"].pop("cpu")),
    "a root that can be written": _container(lambda it: it["securityContext"].update(readOnlyRootFilesystem=False)),
    "rights to gain": _container(lambda it: it["securityContext"].pop("allowPrivilegeEscalation")),
    "a capability": _container(lambda it: it["securityContext"]["capabilities"].update(add=["NET_ADMIN"])),
    "root": _pod(lambda pod: pod["securityContext"].pop("runAsNonRoot")),
    "user 0": _pod(lambda pod: pod["securityContext"].update(runAsUser=0)),
    "no seccomp": _pod(lambda pod: pod["securityContext"].pop("seccompProfile")),
    "a token": _pod(lambda pod: pod.pop("automountServiceAccountToken")),
    "an unknown account": _pod(lambda pod: pod.update(serviceAccountName="admin")),
    "killed too early": _pod(lambda pod: pod.update(terminationGracePeriodSeconds=30)),
    "no wait before the end": _container(lambda it: it.pop("lifecycle")),
    "a mount of nothing": _pod(lambda pod: pod["volumes"].pop()),
    "a volume without a limit": _pod(lambda pod: pod["volumes"][-1]["emptyDir"].pop("sizeLimit")),
    "a folder of the node": _pod(lambda pod: pod["volumes"][-1].update(hostPath={"path": "/"})),
    "a secret in clear": _container(lambda it: it.setdefault("env", []).append({"name": "PGPASSWORD", "value": "x"})),
    "a secret committed": ("ServiceAccount", "opsseer", lambda it: it.update(kind="Secret")),
    "another namespace": ("Service", "opsseer", lambda it: it["metadata"].update(namespace="default")),
    "a namespace that allows all": ("Namespace", "opsseer", lambda it: it["metadata"].pop("labels")),
    "a selector that misses": _deployment(lambda spec: spec["selector"]["matchLabels"].update(tier="web")),
    # Replicas.
    "data nowhere": ("Deployment", "opsseer", lambda it: _lose_data(it)),
    "replicas that go at once": _deployment(lambda spec: spec.update(replicas=3, strategy={"type": "RollingUpdate"})),
    "no keeping apart": _deployment(lambda spec: (spec.update(replicas=3), spec["template"]["spec"].pop("affinity", None))),
    "a budget for others": _spec("PodDisruptionBudget", "opsseer", lambda spec: spec.update(selector={"matchLabels": {"a": "b"}})),
    "a budget of all": _spec("PodDisruptionBudget", "opsseer", lambda spec: spec.update(maxUnavailable=2)),
    "a budget that blocks": _spec("PodDisruptionBudget", "opsseer", lambda spec: spec.pop("unhealthyPodEvictionPolicy")),
    # Network.
    "a service for others": _spec("Service", "opsseer", lambda spec: spec.update(selector={"app": "opsseer"})),
    "a service to no port": _spec("Service", "opsseer", lambda spec: spec["ports"][0].update(targetPort="web")),
    "a service for the world": _spec("Service", "opsseer", lambda spec: spec.update(type="LoadBalancer")),
    "a policy for others": _spec("NetworkPolicy", "opsseer", lambda spec: spec.update(podSelector={"matchLabels": {"a": "b"}})),
    "a policy for all that come": _spec("NetworkPolicy", "opsseer", lambda spec: spec["ingress"][0].pop("from")),
    "a policy for a namespace": _spec("NetworkPolicy", "opsseer", lambda spec: spec["ingress"][0]["from"][0].pop("podSelector")),
    "a policy of one direction": _spec("NetworkPolicy", "opsseer", lambda spec: spec.update(policyTypes=["Egress"])),
    "an Ingress without a sign-in": ("Ingress", "opsseer", lambda it: it["metadata"].pop("annotations")),
    "an Ingress without TLS": _spec("Ingress", "opsseer", lambda spec: spec.pop("tls")),
    "a monitor of others": _spec("PodMonitor", "opsseer", lambda spec: spec.update(selector={"matchLabels": {"a": "b"}})),
    "a monitor's other job": _spec("PodMonitor", "opsseer", lambda spec: spec.pop("jobLabel")),
    # Settings.
    "on loopback": _setting('bind = "0.0.0.0:8888"', 'bind = "127.0.0.1:8888"'),
    "data on no volume": _setting('data_dir = "/var/lib/opsseer"', 'data_dir = "/data"'),
    "what the image's environment overrides": _setting('models_dir = "/models"', 'models_dir = "/elsewhere"'),
    "its own name refused": _setting('"opsseer.opsseer.svc", ', ""),
}


def _lose_data(document):
    pod = document["spec"]["template"]["spec"]
    pod["containers"][0].pop("env", None)
    for volume in pod["volumes"]:
        if volume["name"] == "data":
            volume.pop("persistentVolumeClaim", None)
            volume["emptyDir"] = {"sizeLimit": "1Gi"}
