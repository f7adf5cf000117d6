//! The requests of a load, ready to be sent except for a number.

use serde_json::json;

/// Stands in a template where the alert's number goes, in decimal.
const NUMBER: &str = "##########";

/// Stands where its fingerprint goes, in hexadecimal.
const FINGERPRINT: &str = "@@@@@@@@@@@@@@@@";

/// What a load sends, and what answers it should have.
pub(super) struct Traffic {
    /// Taken in turn.
    pub(super) requests: Vec<Template>,
    /// The HTTP status of a right answer.
    pub(super) expected: u16,
    /// Whether each request is an alert of its own, which must be found afterwards.
    pub(super) numbered: bool,
}

impl Traffic {
    /// Questions that are answered with 200.
    pub(super) fn gets(requests: Vec<Template>) -> Self {
        Self { requests, expected: 200, numbered: false }
    }
}

/// A request's bytes and where the number goes.
pub(super) struct Template {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    fingerprints: Vec<usize>,
}

impl Template {
    pub(super) fn get(host: &str, path: &str) -> Self {
        Self::new(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\n\r\n"))
    }

    fn post_json(host: &str, path: &str, body: &str) -> Self {
        let length = body.len();
        Self::new(format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: Alertmanager/0.25.0\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    fn new(text: String) -> Self {
        let places = |mark| text.match_indices(mark).map(|(place, _)| place).collect();
        Self { numbers: places(NUMBER), fingerprints: places(FINGERPRINT), bytes: text.into_bytes() }
    }

    /// Writes the request for alert `number` into `request`.
    pub(super) fn fill(&self, number: u64, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.bytes);
        for &place in &self.numbers {
            write_digits::<10>(number, &mut request[place..place + NUMBER.len()]);
        }
        for &place in &self.fingerprints {
            write_digits::<16>(scattered(number), &mut request[place..place + FINGERPRINT.len()]);
        }
    }
}

/// The alert that a label `instance` made by [`webhook`] belongs to.
pub(super) fn number_of(instance: &str) -> Option<u64> {
    instance.strip_prefix("pod-")?.strip_suffix(":8080")?.parse().ok()
}

/// A webhook as Alertmanager sends it, with one firing alert that differs from all others in its instance.
pub(super) fn webhook(host: &str, service: u64) -> Template {
    let service = format!("service-{service:02}");
    Template::post_json(
        host,
        "/webhook/alertmanager",
        &body(&service, &format!("pod-{NUMBER}:8080"), FINGERPRINT),
    )
}

/// The same alert each time, as Alertmanager repeats it while it fires.
pub(super) fn repeated_webhook(host: &str) -> Template {
    Template::post_json(
        host,
        "/webhook/alertmanager",
        &body("repeated", "always-the-same", "00000000000000aa"),
    )
}

fn body(service: &str, instance: &str, fingerprint: &str) -> String {
    let labels = json!({
        "alertname": "HighErrorRate", "service": service, "instance": instance, "job": "api", "severity": "page",
    });
    let annotations = json!({
        "summary": format!("{service} answers more than 10 % of its requests with an error"),
        "description": "The ratio of failed requests over five minutes has been above 10 % for two minutes.",
        "runbook_url": "https://runbooks.example.com/HighErrorRate.md",
    });
    let group = json!({"alertname": "HighErrorRate", "service": service});
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{alertname=\"HighErrorRate\", service=\"{service}\"}}"),
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "opsseer",
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://alertmanager.example.com:9093",
        "alerts": [{
            "status": "firing",
            "labels": labels,
            "annotations": annotations,
            "startsAt": "2026-01-02T03:04:05.678Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=error_rate+%3E+0.1&g0.tab=1",
            "fingerprint": fingerprint,
        }],
    })
    .to_string()
}

fn write_digits<const BASE: u64>(mut number: u64, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        let index = usize::try_from(number % BASE).expect("below 16");
        *digit = b"0123456789abcdef"[index];
        number /= BASE;
    }
}

/// A fingerprint is a hash: neighbours must not lie beside each other in the store's index, or writing them would be
/// cheaper than it really is. This is the finaliser of `SplitMix64` (Steele, Lea, Flood 2014); it never gives two
/// numbers the same fingerprint.
fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn body_of(template: &Template, number: u64) -> Value {
        let mut request = Vec::new();
        template.fill(number, &mut request);
        let text = String::from_utf8(request).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len()))
                || head.ends_with(&body.len().to_string())
        );
        serde_json::from_str(body).expect("JSON")
    }

    #[test]
    fn each_number_makes_an_alert_of_its_own_that_can_be_found_again() {
        let template = webhook("localhost", 7);
        let (first, second) = (body_of(&template, 1), body_of(&template, 42));
        let instance = second["alerts"][0]["labels"]["instance"].as_str().expect("text");
        assert_eq!(number_of(instance), Some(42));
        assert_eq!(second["commonLabels"]["instance"], second["alerts"][0]["labels"]["instance"]);
        assert_ne!(first["alerts"][0]["fingerprint"], second["alerts"][0]["fingerprint"]);
        assert_eq!(second["alerts"][0]["fingerprint"], format!("{:016x}", scattered(42)));
        assert_eq!(second["alerts"][0]["labels"]["service"], "service-07");
    }

    #[test]
    fn the_repeated_alert_is_always_the_same() {
        let template = repeated_webhook("localhost");
        assert_eq!(body_of(&template, 1), body_of(&template, 2));
        assert_eq!(number_of("always-the-same"), None);
    }
}
