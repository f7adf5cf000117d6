//! Full-text search (BM25) over the sections of the runbooks, with a floor that can be explained.

use std::collections::{BTreeMap, HashMap, HashSet};

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
};
use tantivy::{Index, IndexReader, ReloadPolicy, TantivyDocument, TantivyError, Term};

use super::document::Document;
use super::words::with_name_parts;

const ANALYZER: &str = "runbook";
const INDEXING_MEMORY_BYTES: usize = 15_000_000;

/// How much a word counts in a title and in a heading, against 1 in the text.
const TITLE_BOOST: f32 = 3.0;
const HEADING_BOOST: f32 = 1.5;

/// A question is cut to this many different words.
const MAX_TERMS: usize = 200;

/// The floor. BM25 scores depend on the folder and on the length of the question, so they cannot tell whether anything
/// fits at all. A document fits only if it shares at least this many informative words with the question, ...
const MIN_SHARED_TERMS: usize = 2;
/// ... at least one of them in its title or headings, ...
const MIN_SHARED_HEADLINE_TERMS: usize = 1;
/// ... and speaks of at least this share of the question, rare words counting more.
const MIN_SHARE: f32 = 0.3;

/// The section that fits best.
#[derive(Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) document: usize,
    pub(super) section: usize,
    /// The share of the question that the document speaks of, 0 to 1.
    pub(super) share: f32,
}

/// The words of a document.
struct Vocabulary {
    all: HashSet<String>,
    /// Those of its path, title and headings.
    headline: HashSet<String>,
}

/// What a question and a document have in common.
struct Agreement {
    share: f32,
    informative: usize,
    informative_in_headline: usize,
}

impl Agreement {
    fn is_above_floor(&self) -> bool {
        self.share >= MIN_SHARE
            && self.informative >= MIN_SHARED_TERMS
            && self.informative_in_headline >= MIN_SHARED_HEADLINE_TERMS
    }
}

pub(super) struct SearchIndex {
    reader: IndexReader,
    fields: Fields,
    analyzer: TextAnalyzer,
    /// One for each document.
    vocabularies: Vec<Vocabulary>,
    /// In how many documents a word stands.
    document_frequency: HashMap<String, u32>,
}

#[derive(Clone, Copy)]
struct Fields {
    document: Field,
    section: Field,
    title: Field,
    headings: Field,
    body: Field,
}

impl SearchIndex {
    pub(super) fn build(documents: &[Document]) -> Result<Self, TantivyError> {
        let (schema, fields) = schema();
        let index = Index::create_in_ram(schema);
        let analyzer = analyzer();
        index.tokenizers().register(ANALYZER, analyzer.clone());
        let mut writer = index.writer_with_num_threads(1, INDEXING_MEMORY_BYTES)?;
        let mut search = Self {
            reader: index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?,
            fields,
            analyzer,
            vocabularies: Vec::with_capacity(documents.len()),
            document_frequency: HashMap::new(),
        };
        for (number, document) in documents.iter().enumerate() {
            let title = with_name_parts(&format!("{} {}", document.path_names().join(" "), document.title));
            let mut headline: HashSet<String> = search.terms(&title).into_iter().collect();
            let mut all = HashSet::new();
            for (section_number, section) in document.sections.iter().enumerate() {
                let headings = with_name_parts(&document.heading_path(section_number).join(" "));
                let texts: Vec<&str> = section.blocks.iter().map(|block| block.text.as_str()).collect();
                let body = with_name_parts(&texts.join(" "));
                headline.extend(search.terms(&headings));
                all.extend(search.terms(&body));
                let mut row = TantivyDocument::default();
                row.add_u64(fields.document, number as u64);
                row.add_u64(fields.section, section_number as u64);
                row.add_text(fields.title, &title);
                row.add_text(fields.headings, headings);
                row.add_text(fields.body, body);
                writer.add_document(row)?;
            }
            all.extend(headline.iter().cloned());
            for word in &all {
                *search.document_frequency.entry(word.clone()).or_default() += 1;
            }
            search.vocabularies.push(Vocabulary { all, headline });
        }
        writer.commit()?;
        search.reader.reload()?;
        Ok(search)
    }

    /// The best section for the pieces of text of a question, each with its weight. `None` when its document is below
    /// the floor: those that rank after it fit even less.
    pub(super) fn best(&self, question: &[(f32, String)]) -> Result<Option<Hit>, TantivyError> {
        let terms = self.weighted_terms(question);
        let searcher = self.reader.searcher();
        let top = searcher.search(&self.query(&terms), &TopDocs::with_limit(1).order_by_score())?;
        let Some((_, address)) = top.into_iter().next() else { return Ok(None) };
        let row: TantivyDocument = searcher.doc(address)?;
        let number = |field| row.get_first(field).and_then(|value| value.as_u64());
        let number = |field| number(field).and_then(|value| usize::try_from(value).ok());
        let (Some(document), Some(section)) = (number(self.fields.document), number(self.fields.section))
        else {
            return Ok(None);
        };
        let agreement = self.agreement(&terms, document);
        Ok(agreement.is_above_floor().then_some(Hit { document, section, share: agreement.share }))
    }

    fn agreement(&self, terms: &BTreeMap<String, f32>, document: usize) -> Agreement {
        let vocabulary = &self.vocabularies[document];
        let mut agreement = Agreement { share: 0.0, informative: 0, informative_in_headline: 0 };
        let (mut shared_weight, mut all_weight) = (0.0, 0.0);
        for (term, weight) in terms {
            let frequency = self.document_frequency.get(term).copied().unwrap_or_default();
            let weight = weight * self.rarity(frequency);
            all_weight += weight;
            if !vocabulary.all.contains(term) {
                continue;
            }
            shared_weight += weight;
            // A word that most runbooks hold says nothing about which one fits.
            if frequency as usize * 2 <= self.vocabularies.len() + 1 {
                agreement.informative += 1;
                agreement.informative_in_headline += usize::from(vocabulary.headline.contains(term));
            }
        }
        if all_weight > 0.0 {
            agreement.share = shared_weight / all_weight;
        }
        agreement
    }

    /// The inverse document frequency as BM25 has it (Robertson and Zaragoza 2009, with 1 added so that it is
    /// positive).
    #[expect(clippy::cast_precision_loss, reason = "there are a few thousand documents at most")]
    fn rarity(&self, frequency: u32) -> f32 {
        let (all, with) = (self.vocabularies.len() as f32, frequency as f32);
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
    }

    /// Each word once, with the highest weight that it has in the question.
    fn weighted_terms(&self, question: &[(f32, String)]) -> BTreeMap<String, f32> {
        let mut terms: BTreeMap<String, f32> = BTreeMap::new();
        for (weight, text) in question {
            for term in self.terms(text) {
                if terms.len() < MAX_TERMS || terms.contains_key(&term) {
                    let known = terms.entry(term).or_default();
                    *known = known.max(*weight);
                }
            }
        }
        terms
    }

    fn query(&self, terms: &BTreeMap<String, f32>) -> BooleanQuery {
        let boosts = [
            (self.fields.title, TITLE_BOOST),
            (self.fields.headings, HEADING_BOOST),
            (self.fields.body, 1.0),
        ];
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::with_capacity(terms.len() * boosts.len());
        for (term, weight) in terms {
            for (field, boost) in boosts {
                let exact = TermQuery::new(Term::from_field_text(field, term), IndexRecordOption::WithFreqs);
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(exact), weight * boost))));
            }
        }
        BooleanQuery::new(clauses)
    }

    fn terms(&self, text: &str) -> Vec<String> {
        let mut analyzer = self.analyzer.clone();
        let mut stream = analyzer.token_stream(text);
        let mut terms = Vec::new();
        while let Some(token) = stream.next() {
            terms.push(token.text.clone());
        }
        terms
    }
}

fn schema() -> (Schema, Fields) {
    let indexing =
        TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
    let text = TextOptions::default().set_indexing_options(indexing);
    let mut schema = Schema::builder();
    let fields = Fields {
        document: schema.add_u64_field("document", STORED),
        section: schema.add_u64_field("section", STORED),
        title: schema.add_text_field("title", text.clone()),
        headings: schema.add_text_field("headings", text.clone()),
        body: schema.add_text_field("body", text),
    };
    (schema.build(), fields)
}

fn analyzer() -> TextAnalyzer {
    let words = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(60))
        .filter(LowerCaser);
    match StopWordFilter::new(Language::English) {
        Some(stop_words) => words.filter(stop_words).filter(Stemmer::new(Language::English)).build(),
        None => words.filter(Stemmer::new(Language::English)).build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;

    fn best(question: &str) -> Option<(&'static str, usize)> {
        const FILES: [(&str, &str); 4] = [
            (
                "connections.md",
                "# Database connections exhausted\n## Meaning\nThe pool of PostgreSQL is used up.\n## Fix\nRaise it.",
            ),
            (
                "disk.md",
                "# Disk almost full\n## Fix\nDelete old logs of the service, then check the service.",
            ),
            (
                "latency.md",
                "# Checkout is slow\n## Fix\nRestart the service and check the p95 latency of checkout.",
            ),
            ("queue.md", "# Queue backlog\n## Fix\nAdd consumers to the service. Check the backlog."),
        ];
        let documents: Vec<Document> = FILES.iter().map(|(file, text)| document_of(file, text)).collect();
        let index = SearchIndex::build(&documents).expect("an index");
        let hit = index.best(&[(1.0, with_name_parts(question))]).expect("a search")?;
        assert!((0.0..=1.0).contains(&hit.share));
        Some((FILES[hit.document].0, hit.section))
    }

    #[test]
    fn finds_the_section_by_other_forms_of_its_words() {
        assert_eq!(
            best("PgTooManyConnections: a database connection pool is exhausted"),
            Some(("connections.md", 1))
        );
        assert_eq!(best("CheckoutLatencyHigh"), Some(("latency.md", 1)));
        assert_eq!(best("consumer of the queues has a backlog"), Some(("queue.md", 1)));
    }

    #[test]
    fn nothing_is_an_answer() {
        assert_eq!(best("Certificate of the ingress expires in three days"), None);
        assert_eq!(best("check the service"), None, "words of every runbook are no reason");
        assert_eq!(best("disk"), None, "one word is no reason");
        assert_eq!(best("raise the pool to the moon and back with a rocket of the government"), None);
        assert_eq!(best(""), None);
        assert_eq!(best("💥 \" AND ( OR ]"), None);
    }

    #[test]
    fn an_empty_folder_has_no_answer() {
        let index = SearchIndex::build(&[]).expect("an index");
        assert_eq!(index.best(&[(1.0, "disk full".into())]).expect("a search"), None);
    }
}
