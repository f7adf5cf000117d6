//! Who looks at the page: a name that they gave, kept in a cookie. A name for the timeline, not a login.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use url::form_urlencoded;

const COOKIE: &str = "opsseer_name";
/// Until somebody gives a name.
const NOBODY_YET: &str = "on-call";
const LONGEST: usize = 60;
const A_YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The reader of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Viewer {
    /// The name that stands beside what they do.
    pub(crate) name: String,
    /// Whether they gave it. `on-call` may be several people, so it is never "you".
    given: bool,
}

impl Viewer {
    /// A name as somebody typed it; none if it is empty, too long or not printable.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let good = !name.is_empty() && name.chars().count() <= LONGEST && !name.chars().any(char::is_control);
        good.then(|| Self { name: name.to_owned(), given: true })
    }

    fn from_headers(headers: &HeaderMap) -> Self {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE)
            .and_then(|(_, value)| {
                let pair = format!("name={value}");
                let (_, name) = form_urlencoded::parse(pair.as_bytes()).next()?;
                Self::named(&name)
            })
            .unwrap_or_else(|| Self { name: NOBODY_YET.to_owned(), given: false })
    }

    /// The header that makes the browser remember the name.
    pub(crate) fn cookie(&self) -> String {
        let value: String = form_urlencoded::byte_serialize(self.name.as_bytes()).collect();
        format!("{COOKIE}={value}; Path=/; Max-Age={A_YEAR_SECONDS}; SameSite=Lax; HttpOnly")
    }

    /// `person`, or `you` if that is the reader.
    pub(crate) fn name_or(&self, person: &str, you: &str) -> String {
        if self.given && person == self.name { you.to_owned() } else { person.to_owned() }
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with_cookie(cookie: &str) -> Viewer {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).expect("a header"));
        Viewer::from_headers(&headers)
    }

    #[test]
    fn a_name_survives_the_cookie() {
        for name in ["ada", "Ada Lovelace", "Zoë; Path=/", "a=b&c", "50 %"] {
            let viewer = Viewer::named(name).expect("a name");
            let cookie = viewer.cookie();
            let pair = cookie.split("; ").next().expect("a pair");
            assert_eq!(with_cookie(&format!("other=1; {pair}")), viewer);
        }
    }

    #[test]
    fn without_a_name_one_is_on_call_and_never_you() {
        for cookie in ["", "other=ada", "opsseer_name=", "opsseer_name=%0a", "xopsseer_name=ada"] {
            let viewer = with_cookie(cookie);
            assert_eq!(viewer.name, "on-call", "{cookie}");
            assert_eq!(viewer.name_or("on-call", "you"), "on-call");
        }
        assert_eq!(Viewer::named("ada").expect("a name").name_or("ada", "you"), "you");
        assert_eq!(Viewer::named(&"x".repeat(61)), None);
    }
}
