//! Which incidents the list shows, and the addresses that say so.

use opsseer_core::{IncidentStatus, Severity};
use opsseer_store::{Cursor, IncidentFilter, StatusFilter};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use crate::web::incident::severity_word;

/// Rows of one page.
const ROWS: u32 = 50;

/// The address's query, as it came.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FilterQuery {
    status: Option<String>,
    severity: Option<String>,
    q: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    All,
    Resolved,
}

impl Status {
    const ALL: [Self; 3] = [Self::Open, Self::All, Self::Resolved];

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::All => "all",
            Self::Resolved => "resolved",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::All => "All",
            Self::Resolved => "Resolved",
        }
    }
}

/// Which incidents the list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) status: Status,
    severity: Option<Severity>,
    pub(crate) text: String,
    pub(crate) cursor: Option<Cursor>,
}

/// A button that leads to another filter.
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) address: String,
    pub(crate) chosen: bool,
    /// Whether the number of open incidents stands beside it.
    pub(crate) counted: bool,
}

impl TryFrom<FilterQuery> for Filter {
    type Error = String;

    fn try_from(query: FilterQuery) -> Result<Self, String> {
        let given =
            |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let status = match given(query.status) {
            None => Status::Open,
            Some(word) => Status::ALL
                .into_iter()
                .find(|status| status.as_str() == word)
                .ok_or_else(|| format!("{word:?} is not a state; allowed: open, all, resolved"))?,
        };
        let severity = given(query.severity)
            .map(|word| word.parse::<Severity>().map_err(|error| error.to_string()))
            .transpose()?;
        let cursor = given(query.cursor)
            .map(|text| text.parse::<Cursor>().map_err(|error| error.to_string()))
            .transpose()?;
        Ok(Self { status, severity, text: given(query.q).unwrap_or_default(), cursor })
    }
}

impl Filter {
    pub(crate) fn for_store(&self) -> IncidentFilter {
        IncidentFilter {
            status: match self.status {
                Status::Open => Some(StatusFilter::Unresolved),
                Status::All => None,
                Status::Resolved => Some(StatusFilter::Is(IncidentStatus::Resolved)),
            },
            severity: self.severity,
            text: (!self.text.is_empty()).then(|| self.text.clone()),
            limit: ROWS,
            cursor: self.cursor,
        }
    }

    /// Whether nothing but the state is asked for.
    pub(crate) fn is_plain(&self) -> bool {
        self.severity.is_none() && self.text.is_empty() && self.cursor.is_none()
    }

    /// The page of this filter from `cursor` on.
    pub(crate) fn address(&self, cursor: Option<Cursor>) -> String {
        address("/", self.status, self.severity, &self.text, cursor)
    }

    /// The stream that keeps this page up to date.
    pub(crate) fn stream_address(&self) -> String {
        address("/live", self.status, self.severity, &self.text, self.cursor)
    }

    pub(crate) fn states(&self) -> Vec<Choice> {
        let choice = |status: Status| Choice {
            word: status.word(),
            address: address("/", status, self.severity, &self.text, None),
            chosen: status == self.status,
            counted: status == Status::Open,
        };
        Status::ALL.into_iter().map(choice).collect()
    }

    /// A button each; the one that is chosen leads back to all.
    pub(crate) fn severities(&self) -> Vec<Choice> {
        let choice = |severity: Severity| {
            let chosen = self.severity == Some(severity);
            let next = (!chosen).then_some(severity);
            let address = address("/", self.status, next, &self.text, None);
            Choice { word: severity_word(severity), address, chosen, counted: false }
        };
        Severity::ALL.into_iter().map(choice).collect()
    }

    /// What the search form sends beside the words.
    pub(crate) fn kept(&self) -> Vec<(&'static str, &'static str)> {
        let status = (self.status != Status::Open).then_some(("status", self.status.as_str()));
        let severity = self.severity.map(|severity| ("severity", severity.as_str()));
        status.into_iter().chain(severity).collect()
    }
}

/// The shortest address that says all this.
fn address(
    path: &str,
    status: Status,
    severity: Option<Severity>,
    text: &str,
    cursor: Option<Cursor>,
) -> String {
    let mut query = Serializer::new(String::new());
    if status != Status::Open {
        query.append_pair("status", status.as_str());
    }
    if let Some(severity) = severity {
        query.append_pair("severity", severity.as_str());
    }
    if !text.is_empty() {
        query.append_pair("q", text);
    }
    if let Some(cursor) = cursor {
        query.append_pair("cursor", &cursor.to_string());
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(status: &str, severity: &str, q: &str, cursor: &str) -> Result<Filter, String> {
        let some = |text: &str| Some(text.to_owned());
        Filter::try_from(FilterQuery {
            status: some(status),
            severity: some(severity),
            q: some(q),
            cursor: some(cursor),
        })
    }

    #[test]
    fn nothing_asked_for_means_what_is_open() {
        let plain = filter("", "", " ", "").expect("understood");
        assert_eq!((plain.status, plain.is_plain()), (Status::Open, true));
        assert_eq!(plain.address(None), "/");
        assert_eq!(plain.stream_address(), "/live");
    }

    #[test]
    fn an_address_leads_back_to_the_same_filter() {
        let asked = filter("all", "page", "a&b=c <x>", "u7").expect("understood");
        assert_eq!(asked.address(asked.cursor), "/?status=all&severity=page&q=a%26b%3Dc+%3Cx%3E&cursor=u7");
        assert_eq!(asked.kept(), [("status", "all"), ("severity", "page")]);
    }

    #[test]
    fn choosing_again_forgets_the_severity_and_every_choice_begins_at_the_first_page() {
        let asked = filter("resolved", "ticket", "", "r9").expect("understood");
        let addresses: Vec<_> = asked.severities().into_iter().map(|choice| choice.address).collect();
        assert_eq!(
            addresses,
            ["/?status=resolved&severity=page", "/?status=resolved", "/?status=resolved&severity=info"]
        );
        assert_eq!(asked.states()[0].address, "/?severity=ticket");
    }

    #[test]
    fn a_word_that_is_not_known_is_refused_with_the_words_that_are() {
        assert_eq!(
            filter("shut", "", "", "").expect_err("refused"),
            "\"shut\" is not a state; allowed: open, all, resolved"
        );
        assert!(filter("", "loud", "", "").expect_err("refused").contains("page, ticket, info"));
        assert!(filter("", "", "", "x").expect_err("refused").contains("next_cursor"));
    }
}
