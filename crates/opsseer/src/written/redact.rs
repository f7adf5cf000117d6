//! What must not leave the machine: secrets and addresses of people, by their shape.

use std::sync::LazyLock;

use regex::{NoExpand, Regex};

/// What stands in the place of what was taken out.
pub(super) const REDACTED: &str = "[redacted]";

/// Secrets as they turn up in alerts, runbooks and notes. Rather too much than too little: what is taken out here is only
/// missing from a summary.
const SECRETS: [&str; 8] = [
    // A private key, also one whose end was cut off.
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*-----|\z)",
    r#"(?i)\bauthorization["']?\s*[:=]\s*["']?(?:(?:basic|bearer|digest|token)\s+)?[^\s"']+"#,
    r"(?i)\bbearer\s+[A-Z0-9_.~+/=-]{8,}",
    // User and password, or a token alone, in an address.
    r"(?i)\b[a-z][a-z0-9+.-]*://(?:[^\s/@:]*:\S*|[^\s/@]+)@",
    // `password=...`, `"api_key": "..."`, `--token ...`.
    r#"(?i)[A-Z0-9_.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|private|auth)[_-]?key)[A-Z0-9_-]*["']?\s*(?:[:=]\s*|\s)(?:"[^"]*"|'[^']*'|[^\s"',;]+)"#,
    // Keys that are known by how they begin: AWS, GitHub, GitLab, Slack, OpenAI and its kin, Google, Stripe.
    r"\b(?:A(?:KIA|SIA)[0-9A-Z]{16}|(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|(?:sk|rk|pk)[-_]|AIza)[A-Za-z0-9_-]{10,})",
    // A JSON Web Token.
    r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
    // A webhook is its own password.
    r"https://hooks\.slack\.com/\S+",
];

const EMAIL: &str = r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+";

/// Made when something is about to be sent, which for most servers is never.
static USUAL: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    SECRETS.iter().chain([&EMAIL]).map(|rule| Regex::new(rule).expect("a fixed expression")).collect()
});

/// Rules for what is taken out of texts before they are sent.
#[derive(Debug, Clone)]
pub struct Redactions {
    usual: bool,
    own: Vec<Regex>,
}

/// A text that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text without what the rules found.
    pub text: String,
    /// How many places were taken out.
    pub places: usize,
}

impl Redactions {
    /// The operator's own rules, and, unless `usual` is false, those for secrets and e-mail addresses.
    pub fn new(usual: bool, own: &[String]) -> Result<Self, regex::Error> {
        let own = own.iter().map(|rule| Regex::new(rule)).collect::<Result<_, _>>()?;
        Ok(Self { usual, own })
    }

    /// Applies all rules, one after the other. The operator's come first: they are the most particular.
    pub fn apply(&self, text: &str) -> Redacted {
        let mut redacted = Redacted { text: text.to_owned(), places: 0 };
        let usual: &[Regex] = if self.usual { &USUAL } else { &[] };
        for rule in self.own.iter().chain(usual) {
            let places = rule.find_iter(&redacted.text).count();
            if places > 0 {
                redacted.text = rule.replace_all(&redacted.text, NoExpand(REDACTED)).into_owned();
                redacted.places += places;
            }
        }
        redacted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(text: &str) -> String {
        Redactions::new(true, &[]).expect("sound rules").apply(text).text
    }

    #[test]
    fn secrets_and_addresses_of_people_are_taken_out_and_the_rest_stays() {
        for (given, sent) in [
            ("curl -H 'Authorization: Bearer abc.def-ghi' http://api/x", "curl -H '[redacted]' http://api/x"),
            ("got 401 with bearer abcdefgh1234", "got 401 with [redacted]"),
            ("cannot reach postgres://ada:hunter2@db:5432/shop", "cannot reach [redacted]db:5432/shop"),
            ("clone https://ghtoken@git.example/x", "clone [redacted]git.example/x"),
            ("redis://:p@ss/word@cache failed", "[redacted]cache failed"),
            ("DB_PASSWORD=hunter2 retries=3", "[redacted] retries=3"),
            (r#"{"api_key": "a b", "region": "eu"}"#, r#"{"[redacted], "region": "eu"}"#),
            ("login --password hunter2 --user ada", "login [redacted] --user ada"),
            ("key AKIAABCDEFGHIJKLMNOP is old", "key [redacted] is old"),
            ("use sk-abcdefghijklmnop1234", "use [redacted]"),
            ("jwt eyJhbGciOi.eyJzdWIiOi.c2lnbmF0 end", "jwt [redacted] end"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok", "[redacted]\nok"),
            ("ask ada.lovelace+ops@example.co.uk first", "ask [redacted] first"),
            ("https://hooks.slack.com/services/T0/B0/xyz", "[redacted]"),
        ] {
            assert_eq!(usual(given), sent, "{given}");
        }
        for harmless in [
            "error rate of payments is 41 %, above 10 %",
            "http://prometheus:9090/graph?g0.expr=up",
            "kubectl rollout undo deploy/payments -n prod",
            "image registry.example/app@sha256 is missing",
        ] {
            assert_eq!(usual(harmless), harmless);
        }
    }

    #[test]
    fn an_operators_own_rules_come_on_top_and_the_usual_ones_can_be_left_out() {
        let own = ["customer-\\d+".to_owned(), "$0".to_owned()];
        let both =
            Redactions::new(true, &own).expect("sound").apply("customer-17 and customer-9, ada@example.org");
        assert_eq!(both, Redacted { text: "[redacted] and [redacted], [redacted]".into(), places: 3 });
        let alone = Redactions::new(false, &own).expect("sound").apply("customer-17, ada@example.org");
        assert_eq!(alone.text, "[redacted], ada@example.org");
        assert!(Redactions::new(true, &["(".to_owned()]).is_err());
    }
}
