//! An event of Docker's, as what it means for the fleet.

use bollard::models::EventMessage;

use crate::fleet::{Identity, is_pod_sandbox};

/// What has happened to a container, by its full id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Started {
        id: String,
        identity: Identity,
    },
    Died {
        id: String,
    },
    OomKilled {
        id: String,
    },
    Removed {
        id: String,
    },
    /// Docker must be asked what is different.
    Altered {
        id: String,
    },
}

impl Change {
    /// Reads an event. `None` for those that mean nothing here.
    pub(super) fn of(event: EventMessage) -> Option<Self> {
        let actor = event.actor?;
        let id = actor.id.filter(|id| !id.is_empty())?;
        // Docker sends a container's labels with each of its events, beside its name and image.
        let attributes = actor.attributes.unwrap_or_default();
        if is_pod_sandbox(&attributes) {
            return None;
        }
        let attribute = |name: &str| attributes.get(name).map(String::as_str).unwrap_or_default();
        match event.action?.as_str() {
            "start" => {
                let identity = Identity::new(&id, attribute("name"), attribute("image"), &attributes);
                Some(Self::Started { id, identity })
            }
            "die" => Some(Self::Died { id }),
            "oom" => Some(Self::OomKilled { id }),
            "destroy" => Some(Self::Removed { id }),
            "pause" | "unpause" | "rename" | "update" => Some(Self::Altered { id }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, attributes: &serde_json::Value) -> EventMessage {
        let json = serde_json::json!({
            "status": action, "id": "ab".repeat(32), "from": "shop/web:1", "Type": "container", "Action": action,
            "Actor": {"ID": "ab".repeat(32), "Attributes": attributes},
            "scope": "local", "time": 1_795_405_832, "timeNano": 1_795_405_832_915_597_584_i64
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_start_tells_who_started() {
        let attributes = serde_json::json!({"name": "shop-web-1", "image": "shop/web:1", "com.docker.compose.service": "web"});
        let Some(Change::Started { id, identity }) = Change::of(event("start", &attributes)) else {
            panic!("no start")
        };
        assert_eq!(id, "ab".repeat(32));
        assert_eq!((identity.name.as_str(), identity.service.as_str()), ("shop-web-1", "web"));
    }

    #[test]
    fn what_means_nothing_here_is_left() {
        assert_eq!(Change::of(event("exec_start: /bin/sh", &serde_json::json!({}))), None);
        let sandbox = serde_json::json!({"io.kubernetes.container.name": "POD"});
        assert_eq!(Change::of(event("start", &sandbox)), None);
    }
}
