//! General knowledge of the field, from a file that people can read and extend: what each category is about, and which
//! products belong to it.

use std::collections::HashMap;

use super::{
    category::Category,
    words::{Metric, Words},
};

/// A number for each category.
pub(super) type Scores = [f32; Category::ALL.len()];

/// The file beside this one.
pub(super) struct Knowledge {
    /// Sentences on a category, to be compared by their embeddings.
    pub(super) about: Vec<(Category, &'static str)>,
    products: HashMap<&'static str, Vec<Category>>,
    metric_prefixes: HashMap<&'static str, Vec<Category>>,
    words: HashMap<&'static str, Vec<Category>>,
}

/// How many words of an alert may make up a product's name: `open telemetry collector`.
const LONGEST_NAME: usize = 3;

/// By where an alert names products, the categories that these belong to. Each sums to 1, or to 0 if none is named.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Named {
    /// The first one in the alert's name.
    pub(super) name: Scores,
    /// Those that its metrics are named after.
    pub(super) metrics: Scores,
    /// All in its text and labels.
    pub(super) text: Scores,
}

impl Named {
    pub(super) fn is_empty(&self) -> bool {
        [self.name, self.metrics, self.text].iter().flatten().all(|score| *score == 0.0)
    }
}

impl Knowledge {
    pub(super) fn builtin() -> Self {
        Self::read(include_str!("categories.txt")).expect("a test reads the file that is built in")
    }

    fn read(text: &'static str) -> Result<Self, String> {
        let mut knowledge = Self {
            about: Vec::new(),
            products: HashMap::new(),
            metric_prefixes: HashMap::new(),
            words: HashMap::new(),
        };
        let mut category = None;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                category = Some(Category::parse(name).ok_or_else(|| format!("{name:?} is no category"))?);
                continue;
            }
            let category = category.ok_or_else(|| format!("before the first category: {line:?}"))?;
            let (kind, rest) = line.split_once(": ").ok_or_else(|| format!("no kind of entry: {line:?}"))?;
            match kind {
                "about" => knowledge.about.push((category, rest)),
                "products" => {
                    for entry in rest.split(", ") {
                        let table = if entry.ends_with('_') {
                            &mut knowledge.metric_prefixes
                        } else {
                            &mut knowledge.products
                        };
                        add(table, entry, category)?;
                    }
                }
                "words" => {
                    for word in rest.split(", ") {
                        add(&mut knowledge.words, word, category)?;
                    }
                }
                _ => return Err(format!("no kind of entry: {line:?}")),
            }
        }
        Ok(knowledge)
    }

    /// The products that an alert names.
    pub(super) fn products(&self, words: &Words) -> Named {
        let mut named = Named::default();
        // The first product in the name is what the alert is about: `RedisDownOnKubernetes`.
        if let Some(categories) = self.found(&words.name).next() {
            share(&mut named.name, categories, 1.0);
        }
        for metric in &words.metrics {
            if let Some(categories) = self.of_metric(metric) {
                share(&mut named.metrics, categories, 1.0);
            }
        }
        for categories in self.found(&words.text) {
            share(&mut named.text, categories, 1.0);
        }
        for scores in [&mut named.metrics, &mut named.text] {
            let sum: f32 = scores.iter().sum();
            if sum > 0.0 {
                *scores = scores.map(|score| score / sum);
            }
        }
        named
    }

    /// How many different words of each category's trade an alert uses; a word of several trades counts less in each.
    pub(super) fn trade_words(&self, words: &Words) -> Scores {
        let mut all: Vec<&str> = words.all().collect();
        all.sort_unstable();
        all.dedup();
        let mut scores = Scores::default();
        for categories in all.into_iter().filter_map(|word| self.words.get(word)) {
            share(&mut scores, categories, 1.0);
        }
        scores
    }

    /// The category of the longest known prefix of a metric's name, or of the product that its first words name.
    fn of_metric(&self, metric: &Metric) -> Option<&[Category]> {
        let name = format!("{}_", metric.name);
        let prefixes = name.match_indices('_').map(|(at, _)| &name[..=at]);
        let known = prefixes.filter_map(|prefix| self.metric_prefixes.get(prefix)).next_back();
        known.map(Vec::as_slice).or_else(|| self.at(&metric.words).map(|(categories, _)| categories))
    }

    /// Every product in a list of words, in order; the longest name at a place wins.
    fn found<'a>(&'a self, words: &'a [String]) -> impl Iterator<Item = &'a [Category]> {
        let mut next = 0;
        std::iter::from_fn(move || {
            while next < words.len() {
                if let Some((categories, length)) = self.at(&words[next..]) {
                    next += length;
                    return Some(categories);
                }
                next += 1;
            }
            None
        })
    }

    /// The product that these words begin with, and how many of them make up its name.
    fn at(&self, words: &[String]) -> Option<(&[Category], usize)> {
        (1..=LONGEST_NAME.min(words.len())).rev().find_map(|length| {
            let name = words[..length].concat();
            self.products.get(name.as_str()).map(|categories| (categories.as_slice(), length))
        })
    }
}

fn share(scores: &mut Scores, categories: &[Category], amount: f32) {
    #[expect(clippy::cast_precision_loss, reason = "at most twelve")]
    let each = amount / categories.len() as f32;
    for category in categories {
        scores[category.column()] += each;
    }
}

fn add(
    table: &mut HashMap<&'static str, Vec<Category>>,
    entry: &'static str,
    category: Category,
) -> Result<(), String> {
    if entry.is_empty()
        || entry.contains(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
    {
        return Err(format!("{entry:?} is not in lower case and without separators"));
    }
    let categories = table.entry(entry).or_default();
    if categories.contains(&category) {
        return Err(format!("{entry:?} stands twice in {category}"));
    }
    categories.push(category);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::AlertText, *};

    fn alert(name: &str, expr: &str) -> Words {
        Words::of(&AlertText { name: name.to_owned(), expr: expr.to_owned(), ..AlertText::default() })
    }

    #[test]
    fn the_built_in_file_is_sound_and_describes_every_category() {
        let knowledge = Knowledge::read(include_str!("categories.txt")).expect("sound");
        for category in Category::ALL {
            assert!(knowledge.about.iter().any(|(of, _)| *of == category), "{category}");
        }
        assert!(Knowledge::read("[Databases]\nproducts: a, a").is_err());
        assert!(Knowledge::read("products: a").is_err());
        assert!(Knowledge::read("[Databases]\nproducts: My SQL").is_err());
    }

    #[test]
    fn a_product_is_found_however_its_name_is_written() {
        let knowledge = Knowledge::builtin();
        let databases = Category::Databases.column();
        for name in ["CouchDBDown", "couch_db_down", "HighCouchdbLatency"] {
            let named = knowledge.products(&alert(name, ""));
            assert!((named.name[databases] - 1.0).abs() < 1e-6, "{name}: {named:?}");
        }
        assert!(knowledge.products(&alert("CheckoutTooSlow", "checkout_seconds > 1")).is_empty());
    }

    #[test]
    fn the_longest_prefix_of_a_metric_counts_and_the_first_product_of_a_name() {
        let knowledge = Knowledge::builtin();
        let named = knowledge.products(&alert("RedisDownOnKubernetes", "pg_up == 0 or redis_up == 0"));
        assert!((named.name[Category::Databases.column()] - 1.0).abs() < 1e-6, "{named:?}");
        assert!((named.metrics[Category::Databases.column()] - 1.0).abs() < 1e-6, "{named:?}");
        let named = knowledge.products(&alert("X", "process_exporter_scrape_errors > 0"));
        assert!((named.metrics[Category::BasicResources.column()] - 1.0).abs() < 1e-6, "{named:?}");
    }
}
