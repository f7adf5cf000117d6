//! The document that an alert points to: by the link its author gave, or by its name.

use percent_encoding::percent_decode_str;

use super::document::Document;
use super::step::Scope;
use super::words::{fold, name_parts};

/// A document with the part of it that is meant.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) document: usize,
    pub(super) scope: Scope,
}

/// The document that `url` points to, and the section if it has an `#anchor`.
///
/// The end of the URL's path is compared with the documents' paths, name by name from the right, so that it does not
/// matter where the runbooks are published: `https://wiki/ops/runbooks/payments/disk-full` and
/// `../payments/Disk_full.md#fix` both mean `payments/disk-full.md`. The document with the longest agreement wins;
/// two equally long ones are no answer.
pub(super) fn by_url(documents: &[Document], url: &str) -> Option<Place> {
    let (path, anchor) = url.trim().split_once('#').unwrap_or((url.trim(), ""));
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let path =
        path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = percent_decode_str(path).decode_utf8_lossy();
    let mut wanted: Vec<String> = path.split('/').map(without_extension).map(fold).collect();
    wanted.retain(|name| !name.is_empty());
    if wanted.len() > 1 {
        wanted.pop_if(|name| matches!(name.as_str(), "readme" | "index"));
    }

    let mut best: Option<(usize, usize)> = None;
    let mut tied = false;
    for (index, document) in documents.iter().enumerate() {
        let names = document.path_names();
        let agreeing =
            names.iter().rev().zip(wanted.iter().rev()).take_while(|(name, wanted)| fold(name) == **wanted);
        let agreeing = agreeing.count();
        if agreeing > best.map_or(0, |(_, agreed)| agreed) {
            (best, tied) = (Some((index, agreeing)), false);
        } else if agreeing > 0 && best.is_some_and(|(_, agreed)| agreed == agreeing) {
            tied = true;
        }
    }
    let (document, _) = best.filter(|_| !tied)?;
    let anchored = section_at(&documents[document], &percent_decode_str(anchor).decode_utf8_lossy());
    let scope = match anchored {
        Some(section) => Scope::under(&documents[document], section),
        None => Scope::whole(&documents[document]),
    };
    Some(Place { document, scope })
}

fn without_extension(name: &str) -> &str {
    let known = |extension: &str| {
        ["md", "markdown", "html", "htm"].iter().any(|it| extension.eq_ignore_ascii_case(it))
    };
    name.rsplit_once('.').filter(|(_, extension)| known(extension)).map_or(name, |(stem, _)| stem)
}

/// The section whose heading an anchor names. Sites make anchors out of headings in different ways, but all keep
/// letters and digits in order.
fn section_at(document: &Document, anchor: &str) -> Option<usize> {
    let wanted = fold(anchor);
    if wanted.is_empty() {
        return None;
    }
    document
        .sections
        .iter()
        .position(|section| section.anchor.as_deref() == Some(anchor) || fold(&section.heading) == wanted)
}

/// The document or section that bears the alert's name: as its file's name, as its title, as a heading, or as a word
/// of a heading ("Alert: `KubePodCrashLooping`"), in this order.
pub(super) fn by_alert_name(documents: &[Document], alert_name: &str) -> Option<Place> {
    let wanted = fold(alert_name);
    if wanted.is_empty() {
        return None;
    }
    let whole = |test: &dyn Fn(&Document) -> bool| {
        let document = documents.iter().position(test)?;
        Some(Place { document, scope: Scope::whole(&documents[document]) })
    };
    let heading = |test: &dyn Fn(&str) -> bool| {
        documents.iter().enumerate().find_map(|(index, document)| {
            let section = document.sections.iter().position(|section| test(&section.heading))?;
            Some(Place { document: index, scope: Scope::under(document, section) })
        })
    };
    // "Down" alone as a word of a heading may mean anything; a name made of words does not stand there by chance.
    let is_compound = name_parts(alert_name).len() > 1;
    whole(&|document| fold(document.name()) == wanted)
        .or_else(|| whole(&|document| fold(&document.title) == wanted))
        .or_else(|| heading(&|heading| fold(heading) == wanted))
        .or_else(|| {
            let names = |heading: &str| {
                heading.split(|c: char| !c.is_alphanumeric()).any(|word| fold(word) == wanted)
            };
            is_compound.then(|| heading(&names)).flatten()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;

    fn documents() -> Vec<Document> {
        [
            ("all.md", "# Everything\n## Alert: \"QueueFull\"\nx\n## slow-charges\ny\n### Fix\nz"),
            ("kubernetes/disk-full.md", "# Disk\ntext\n## Do this {#now}\nit"),
            ("payments/README.md", "# Payments guide\ntext"),
            ("payments/disk-full.md", "# Disk of payments\n## How it's fixed!\ntext"),
            ("toyprod-high-error-rate.md", "# Toyprod errors\ntext"),
        ]
        .map(|(file, text)| document_of(file, text))
        .into()
    }

    fn place(found: Option<Place>) -> String {
        let documents = documents();
        found.map_or("nothing".to_owned(), |place| {
            let document = &documents[place.document];
            let whole = place.scope.sections == (0..document.sections.len());
            let heading = if whole { "" } else { &document.sections[place.scope.sections.start].heading };
            format!("{} {heading}", document.file).trim_end().to_owned()
        })
    }

    #[test]
    fn finds_what_a_link_points_to() {
        for (url, expected) in [
            ("https://wiki/ops/toyprod-high-error-rate", "toyprod-high-error-rate.md"),
            ("https://x/ToyProdHighErrorRate/", "toyprod-high-error-rate.md"),
            ("runbooks/Toyprod_High_Error_Rate.MD?plain=1#", "toyprod-high-error-rate.md"),
            ("https://git/blob/main/payments/disk-full.md", "payments/disk-full.md"),
            ("../payments/disk%2Dfull.html#how-its-fixed", "payments/disk-full.md How it's fixed!"),
            ("https://x/kubernetes/disk%20full#now", "kubernetes/disk-full.md Do this"),
            ("https://x/kubernetes/disk-full#gone", "kubernetes/disk-full.md"),
            ("https://x/payments/", "payments/README.md"),
            ("https://x/payments/README.md", "payments/README.md"),
            ("https://x/all.md#slow-charges", "all.md slow-charges"),
            ("https://x/disk-full", "nothing"),
            ("https://toyprod-high-error-rate", "nothing"),
            ("https://x/other", "nothing"),
            ("#now", "nothing"),
            ("%", "nothing"),
            ("", "nothing"),
        ] {
            assert_eq!(place(by_url(&documents(), url)), expected, "{url}");
        }
    }

    #[test]
    fn finds_what_bears_the_name() {
        for (name, expected) in [
            ("ToyProdHighErrorRate", "toyprod-high-error-rate.md"),
            ("ToyprodErrors", "toyprod-high-error-rate.md"),
            ("SlowCharges", "all.md slow-charges"),
            ("QueueFull", "all.md Alert: \"QueueFull\""),
            ("Payments", "payments/README.md"),
            ("Disk", "kubernetes/disk-full.md"),
            ("Queue", "nothing"),
            ("---", "nothing"),
        ] {
            assert_eq!(place(by_alert_name(&documents(), name)), expected, "{name}");
        }
    }
}
