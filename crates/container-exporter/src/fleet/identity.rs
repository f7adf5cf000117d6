//! What a container is called, and which service it belongs to.

use std::collections::HashMap;

/// The most characters of a label's value. Names are shorter; an image with a digest is about a hundred.
const LABEL_MAX_CHARS: usize = 200;

/// Letters and digits that Kubernetes makes random parts of names from: no vowels, and nothing that looks like one.
const KUBERNETES_RANDOM: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The labels of `docker_container_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The first 12 digits of the container's id, as `docker ps` shows it.
    pub(crate) short_id: String,
    /// Its name, without the slash that the API puts before it.
    pub(crate) name: String,
    /// The Compose service, else the Swarm service, else what owns the Kubernetes pod, else the name.
    pub(crate) service: String,
    /// The Compose project, the Swarm stack or the Kubernetes namespace; may be empty.
    pub(crate) project: String,
    /// The image, as it was named when the container was made.
    pub(crate) image: String,
}

impl Identity {
    /// Works the identity out of what Docker tells.
    pub(crate) fn new(id: &str, name: &str, image: &str, labels: &HashMap<String, String>) -> Self {
        let name = name.trim_start_matches('/');
        let (service, project) = belonging(labels).unwrap_or((name, ""));
        Self {
            short_id: short_id(id).to_owned(),
            name: bounded(name),
            service: bounded(service),
            project: bounded(project),
            image: bounded(image),
        }
    }
}

/// The first 12 digits of a container's id.
pub(crate) fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// Whether the labels are those of the container that only holds a Kubernetes pod's network. It does no work and has
/// no limits: counted as a replica, it would halve its service's figures.
pub(crate) fn is_pod_sandbox(labels: &HashMap<String, String>) -> bool {
    label(labels, "io.kubernetes.docker.type") == Some("podsandbox")
        || label(labels, "io.kubernetes.container.name") == Some("POD")
}

/// Whether the labels are those of a container in a Kubernetes pod.
pub(crate) fn is_kubernetes(labels: &HashMap<String, String>) -> bool {
    label(labels, "io.kubernetes.pod.name").is_some()
}

/// Service and project, if somebody who composes containers has labelled this one.
fn belonging(labels: &HashMap<String, String>) -> Option<(&str, &str)> {
    if let Some(service) = label(labels, "com.docker.compose.service") {
        return Some((service, label(labels, "com.docker.compose.project").unwrap_or_default()));
    }
    if let Some(service) = label(labels, "com.docker.swarm.service.name") {
        return Some((service, label(labels, "com.docker.stack.namespace").unwrap_or_default()));
    }
    let pod = label(labels, "io.kubernetes.pod.name")?;
    let app = label(labels, "app.kubernetes.io/name").or_else(|| label(labels, "app"));
    let namespace = label(labels, "io.kubernetes.pod.namespace").unwrap_or_default();
    Some((app.unwrap_or_else(|| pod_owner(pod)), namespace))
}

fn label<'a>(labels: &'a HashMap<String, String>, name: &str) -> Option<&'a str> {
    labels.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// What made a pod, by the pod's name: a deployment appends a template's hash and five random letters, a daemon set or
/// a job the letters, a stateful set a number.
fn pod_owner(pod: &str) -> &str {
    let Some((rest, last)) = pod.rsplit_once('-') else { return pod };
    if !last.is_empty() && last.chars().all(|digit| digit.is_ascii_digit()) {
        return rest;
    }
    if !is_random(last, 5..=5) {
        return pod;
    }
    match rest.rsplit_once('-') {
        Some((owner, hash)) if is_random(hash, 6..=10) => owner,
        _ => rest,
    }
}

fn is_random(part: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&part.len()) && part.chars().all(|letter| KUBERNETES_RANDOM.contains(letter))
}

/// At most [`LABEL_MAX_CHARS`] characters, none of which would garble a terminal.
fn bounded(value: &str) -> String {
    value.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LABEL_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str, labels: &[(&str, &str)]) -> Identity {
        Identity::new(&"a1".repeat(32), name, "img:1", &map(labels))
    }

    fn map(labels: &[(&str, &str)]) -> HashMap<String, String> {
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn belongs(name: &str, labels: &[(&str, &str)]) -> (String, String) {
        let identity = identity(name, labels);
        (identity.service, identity.project)
    }

    fn pair(service: &str, project: &str) -> (String, String) {
        (service.to_owned(), project.to_owned())
    }

    #[test]
    fn a_plain_container_is_its_own_service() {
        let plain = identity("/db", &[]);
        assert_eq!(plain.short_id, "a1a1a1a1a1a1");
        assert_eq!((plain.name.as_str(), plain.service.as_str(), plain.project.as_str()), ("db", "db", ""));
    }

    #[test]
    fn compose_comes_before_swarm() {
        let labels = [
            ("com.docker.compose.service", "web"),
            ("com.docker.compose.project", "shop"),
            ("com.docker.swarm.service.name", "shop_web"),
        ];
        assert_eq!(belongs("/shop-web-1", &labels), pair("web", "shop"));
        assert_eq!(belongs("/shop_web.1.xyz", &labels[2..]), pair("shop_web", ""));
    }

    #[test]
    fn an_empty_label_is_no_label() {
        assert_eq!(belongs("/db", &[("com.docker.compose.service", "")]), pair("db", ""));
    }

    #[test]
    fn kubernetes_pods_are_called_after_their_owner() {
        let of = |pod| {
            belongs("/k8s_x", &[("io.kubernetes.pod.name", pod), ("io.kubernetes.pod.namespace", "shop")])
        };
        assert_eq!(of("web-6d4cf56db6-x2x4w"), pair("web", "shop"));
        assert_eq!(of("node-agent-b7kqz"), pair("node-agent", "shop"));
        assert_eq!(of("db-0"), pair("db", "shop"));
        assert_eq!(of("by-hand"), pair("by-hand", "shop"));
        let app = [("io.kubernetes.pod.name", "web-6d4cf56db6-x2x4w"), ("app", "storefront")];
        assert_eq!(belongs("/k8s_x", &app), pair("storefront", ""));
    }

    #[test]
    fn the_container_that_holds_a_pods_network_is_told_apart() {
        assert!(is_pod_sandbox(&map(&[("io.kubernetes.docker.type", "podsandbox")])));
        assert!(is_pod_sandbox(&map(&[("io.kubernetes.container.name", "POD")])));
        assert!(!is_pod_sandbox(&map(&[("io.kubernetes.container.name", "web")])));
    }

    #[test]
    fn long_and_unprintable_values_are_tamed() {
        let wild = identity("/a\u{1b}[31mé", &[("com.docker.compose.service", &"é".repeat(5_000))]);
        assert_eq!(wild.name, "a [31mé");
        assert_eq!(wild.service.chars().count(), LABEL_MAX_CHARS);
    }
}
