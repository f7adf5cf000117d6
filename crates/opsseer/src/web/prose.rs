//! Text that others wrote, made safe to look at: shown as text, with only web addresses turned into links.

use askama::Template;
use url::Url;

/// Characters of one text that a page shows at most; what is longer stays whole in the store.
const LONGEST: usize = 4000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    Text(String),
    Link(String),
}

/// Plain text with links. Line breaks are kept; the styles show them.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = r#"{% for span in spans %}{% match span %}{% when Span::Text(text) %}{{ text }}{% when Span::Link(address) %}<a href="{{ address }}" rel="noopener noreferrer">{{ address }}</a>{% endmatch %}{% endfor %}"#
)]
pub(crate) struct Prose {
    spans: Vec<Span>,
}

impl Prose {
    pub(crate) fn new(text: &str) -> Self {
        let mut spans = Vec::new();
        let text = cut(text, LONGEST);
        let mut rest = text.as_str();
        while let Some((before, address, after)) = split_at_address(rest) {
            push_text(&mut spans, before);
            spans.push(Span::Link(address.to_owned()));
            rest = after;
        }
        push_text(&mut spans, rest);
        Self { spans }
    }
}

/// Adds text to the last span if that is text too.
fn push_text(spans: &mut Vec<Span>, text: &str) {
    match spans.last_mut() {
        _ if text.is_empty() => {}
        Some(Span::Text(last)) => last.push_str(text),
        _ => spans.push(Span::Text(text.to_owned())),
    }
}

/// The first `http` or `https` address in `text`, with what stands before and after it.
fn split_at_address(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("http") {
        let start = from + found;
        let word = &text[start..];
        let end = word.find(|c: char| c.is_whitespace() || "<>\"'`|\\^{}".contains(c)).unwrap_or(word.len());
        let address = without_punctuation(&word[..end]);
        let begins_a_word = !text[..start].ends_with(char::is_alphanumeric);
        if begins_a_word && safe_address(address).is_some() {
            return Some((&text[..start], address, &text[start + address.len()..]));
        }
        from = start + "http".len();
    }
    None
}

/// Drops what ends the sentence rather than the address, and a bracket that was opened before it.
fn without_punctuation(address: &str) -> &str {
    let mut address = address;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '*']);
        let closes = |open: char, close: char| {
            shorter.ends_with(close) && shorter.matches(close).count() > shorter.matches(open).count()
        };
        let shorter =
            if closes('(', ')') || closes('[', ']') { &shorter[..shorter.len() - 1] } else { shorter };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

/// The address if a page may link to it: `http` or `https` with a host, and nothing else (`javascript:`, `data:`).
pub(crate) fn safe_address(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let allowed =
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
    allowed.then(|| url.to_string())
}

/// At most `longest` characters; says how many are not shown.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} more characters)", &text[..end], text[end..].chars().count()),
    }
}

/// The first line that says something, on one line, at most `longest` characters.
pub(crate) fn first_line(text: &str, longest: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(longest) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        Prose::new(text).render().expect("renders")
    }

    #[test]
    fn markup_is_text() {
        let hostile = r#"<img src=x onerror="alert(1)"><script>alert('2')</script>"#;
        let shown = html(hostile);
        assert!(!shown.contains('<'), "{shown}");
        assert!(shown.contains("script"), "{shown}");
    }

    #[test]
    fn web_addresses_become_links_and_nothing_else_does() {
        assert_eq!(
            html("see https://example.org/a?b=1&c=2."),
            r#"see <a href="https://example.org/a?b=1&#38;c=2" rel="noopener noreferrer">https://example.org/a?b=1&#38;c=2</a>."#
        );
        for harmless in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://",
            "httpd is down",
            "xhttps://a.b",
            "file:///etc",
        ] {
            assert!(!html(harmless).contains("<a"), "{harmless}");
        }
    }

    #[test]
    fn a_link_ends_where_the_address_does() {
        let links = |text| {
            Prose::new(text)
                .spans
                .into_iter()
                .filter(|span| matches!(span, Span::Link(_)))
                .collect::<Vec<_>>()
        };
        let link = |address: &str| vec![Span::Link(address.to_owned())];
        assert_eq!(links("(http://a.b/c)"), link("http://a.b/c"));
        assert_eq!(links("http://a.b/c_(d), then"), link("http://a.b/c_(d)"));
        assert_eq!(links("\"http://a.b\"><script>"), link("http://a.b"));
        assert_eq!(links("http http://a.b\nnext"), link("http://a.b"));
    }

    #[test]
    fn line_breaks_are_kept() {
        assert_eq!(html("one\n\n two"), "one\n\n two");
    }

    #[test]
    fn an_endless_text_is_cut_and_says_so() {
        let shown = html(&"é".repeat(LONGEST + 7));
        assert!(shown.ends_with("… (7 more characters)"));
        assert_eq!(first_line("\n  first  \nsecond", 3), "fir…");
    }

    #[test]
    fn only_web_addresses_are_safe_to_link_to() {
        assert_eq!(safe_address(" http://p:9090/graph ").as_deref(), Some("http://p:9090/graph"));
        for refused in ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "//a.b", "/graph", "ftp://a.b", ""] {
            assert_eq!(safe_address(refused), None, "{refused}");
        }
    }
}
