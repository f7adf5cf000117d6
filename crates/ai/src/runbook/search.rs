//! Full-text search (BM25) over the matters of the runbooks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
};
use tantivy::{Index, IndexReader, ReloadPolicy, TantivyDocument, TantivyError, Term};

use super::document::Document;
use super::topic::Topic;
use super::words::with_name_parts;

const ANALYZER: &str = "runbook";
const TOPIC: &str = "topic";
const INDEXING_MEMORY_BYTES: usize = 15_000_000;

/// How much a word counts in a title and in a heading, against 1 in the text.
const TITLE_BOOST: f32 = 3.0;
const HEADING_BOOST: f32 = 1.5;

/// A folder with fewer matters does not know which words are rare: in one of two, every word stands in one or in both.
/// A word is taken to be as rare as it would be if it stood in no other of this many.
const KNOWS_RARITY: usize = 50;

/// A question is cut to this many different words.
const MAX_TERMS: usize = 200;

pub(super) struct SearchIndex {
    reader: IndexReader,
    fields: Fields,
    analyzer: TextAnalyzer,
    /// The words of each matter.
    vocabularies: Vec<HashSet<String>>,
    /// In how many matters a word stands.
    frequency: HashMap<String, u32>,
}

#[derive(Clone, Copy)]
struct Fields {
    topic: Field,
    title: Field,
    headings: Field,
    body: Field,
}

impl SearchIndex {
    /// `topics` are matters, each with the number of its document.
    pub(super) fn build(documents: &[Document], topics: &[Topic]) -> Result<Self, TantivyError> {
        let (schema, fields) = schema();
        let index = Index::create_in_ram(schema);
        let analyzer = analyzer();
        index.tokenizers().register(ANALYZER, analyzer.clone());
        let mut writer = index.writer_with_num_threads(1, INDEXING_MEMORY_BYTES)?;
        let mut search = Self {
            reader: index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?,
            fields,
            analyzer,
            vocabularies: Vec::with_capacity(topics.len()),
            frequency: HashMap::new(),
        };
        for (number, topic) in topics.iter().enumerate() {
            let document = &documents[topic.document];
            let texts = Texts::of(document, &topic.sections);
            let all = [&texts.title, &texts.headings, &texts.body];
            let all: HashSet<String> = all.into_iter().flat_map(|text| search.terms(text)).collect();
            for word in &all {
                *search.frequency.entry(word.clone()).or_default() += 1;
            }
            search.vocabularies.push(all);
            let mut row = TantivyDocument::default();
            row.add_u64(fields.topic, number as u64);
            row.add_text(fields.title, texts.title);
            row.add_text(fields.headings, texts.headings);
            row.add_text(fields.body, texts.body);
            writer.add_document(row)?;
        }
        writer.commit()?;
        search.reader.reload()?;
        Ok(search)
    }

    /// The score of every matter for the pieces of text of a question; 0 for those that share no word with it.
    pub(super) fn scores(&self, words: &Words) -> Result<Vec<f32>, TantivyError> {
        let mut scores = vec![0.0; self.vocabularies.len()];
        if scores.is_empty() {
            return Ok(scores);
        }
        let searcher = self.reader.searcher();
        let all = TopDocs::with_limit(scores.len()).order_by_score();
        let mut numbers = Vec::new();
        for segment in searcher.segment_readers() {
            numbers.push(segment.fast_fields().u64(TOPIC)?);
        }
        for (score, address) in searcher.search(&self.query(words), &all)? {
            let number = numbers[address.segment_ord as usize].first(address.doc_id);
            if let Some(found) =
                number.and_then(|at| usize::try_from(at).ok()).and_then(|at| scores.get_mut(at))
            {
                *found = score;
            }
        }
        Ok(scores)
    }

    /// The share of the question's words that stand in a matter, rare words counting more: 0 to 1.
    pub(super) fn share_in_topic(&self, words: &Words, topic: usize) -> f32 {
        self.share_in(words, &self.vocabularies[topic])
    }

    /// How many different words of the question stand in a matter.
    pub(super) fn words_in_topic(&self, words: &Words, topic: usize) -> usize {
        words.0.keys().filter(|word| self.vocabularies[topic].contains(*word)).count()
    }

    /// [`Self::share_in_topic`] for a text.
    pub(super) fn share_in_text(&self, words: &Words, text: &str) -> f32 {
        self.share_in(words, &self.terms(text).into_iter().collect())
    }

    fn share_in(&self, words: &Words, vocabulary: &HashSet<String>) -> f32 {
        let (mut shared, mut all) = (0.0, 0.0);
        for (word, weight) in &words.0 {
            let weight = weight * self.rarity(word);
            all += weight;
            if vocabulary.contains(word) {
                shared += weight;
            }
        }
        if all > 0.0 { shared / all } else { 0.0 }
    }

    /// The inverse document frequency as BM25 has it (Robertson and Zaragoza 2009, with 1 added so that it is
    /// positive).
    #[expect(clippy::cast_precision_loss, reason = "there are a few thousand documents at most")]
    fn rarity(&self, word: &str) -> f32 {
        let frequency = self.frequency.get(word).copied().unwrap_or_default();
        let (all, with) = (self.vocabularies.len().max(KNOWS_RARITY) as f32, frequency as f32);
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
    }

    /// Each word once, with the highest weight that it has in the question.
    pub(super) fn words(&self, question: &[(f32, String)]) -> Words {
        let mut words: BTreeMap<String, f32> = BTreeMap::new();
        for (weight, text) in question {
            for word in self.terms(text) {
                if words.len() < MAX_TERMS || words.contains_key(&word) {
                    let known = words.entry(word).or_default();
                    *known = known.max(*weight);
                }
            }
        }
        Words(words)
    }

    fn query(&self, words: &Words) -> BooleanQuery {
        let boosts = [
            (self.fields.title, TITLE_BOOST),
            (self.fields.headings, HEADING_BOOST),
            (self.fields.body, 1.0),
        ];
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::with_capacity(words.0.len() * boosts.len());
        for (term, weight) in &words.0 {
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

/// The words of a question, in the form in which the index has them, with their weights.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<String, f32>);

/// What is indexed of a matter.
struct Texts {
    title: String,
    headings: String,
    body: String,
}

impl Texts {
    fn of(document: &Document, sections: &Range<usize>) -> Self {
        let inner = &document.sections[sections.clone()];
        let own = inner.first().map_or("", |section| &section.heading);
        let title = format!("{} {} {own}", document.path_names().join(" "), document.title);
        let outer = document.heading_path(sections.start).join(" ");
        let headings: Vec<&str> = inner.iter().skip(1).map(|section| section.heading.as_str()).collect();
        let blocks: Vec<&str> =
            inner.iter().flat_map(|section| &section.blocks).map(|block| block.text.as_str()).collect();
        Self {
            title: with_name_parts(&title),
            headings: with_name_parts(&format!("{outer} {}", headings.join(" "))),
            body: with_name_parts(&blocks.join(" ")),
        }
    }
}

fn schema() -> (Schema, Fields) {
    let indexing =
        TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(IndexRecordOption::WithFreqs);
    let text = TextOptions::default().set_indexing_options(indexing);
    let mut schema = Schema::builder();
    let fields = Fields {
        topic: schema.add_u64_field(TOPIC, FAST),
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
    use crate::runbook::topic::topics_of;

    const FILES: [(&str, &str); 4] = [
        (
            "connections.md",
            "# Database connections exhausted\n## Meaning\nThe pool of PostgreSQL is used up.\n## Fix\nRaise it.",
        ),
        ("disk.md", "# Disk almost full\n## Fix\nDelete old logs of the service, then check the service."),
        (
            "latency.md",
            "# Checkout is slow\n## Fix\nRestart the service and check the p95 latency of checkout.",
        ),
        ("queue.md", "# Queue backlog\n## Fix\nAdd consumers to the service. Check the backlog."),
    ];

    fn index() -> SearchIndex {
        let documents: Vec<Document> = FILES.iter().map(|(file, text)| document_of(file, text)).collect();
        SearchIndex::build(&documents, &topics_of(&documents)).expect("an index")
    }

    fn best(question: &str) -> Option<&'static str> {
        let index = index();
        let scores = index.scores(&index.words(&[(1.0, with_name_parts(question))])).expect("a search");
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]))?;
        (scores[best] > 0.0).then(|| FILES[best].0)
    }

    #[test]
    fn finds_the_matter_by_other_forms_of_its_words() {
        assert_eq!(
            best("PgTooManyConnections: a database connection pool is exhausted"),
            Some("connections.md")
        );
        assert_eq!(best("CheckoutLatencyHigh"), Some("latency.md"));
        assert_eq!(best("consumer of the queues has a backlog"), Some("queue.md"));
        assert_eq!(best("Certificate of the ingress expires in three days"), None);
        assert_eq!(best("💥 \" AND ( OR ]"), None);
    }

    #[test]
    fn tells_how_much_of_the_question_is_spoken_of() {
        let index = index();
        let words = |question: &str| index.words(&[(1.0, with_name_parts(question))]);
        let share = |question: &str, topic| index.share_in_topic(&words(question), topic);
        assert!((share("disk full", 1) - 1.0).abs() < 1e-6);
        let some = share("delete the certificate", 1);
        assert!(some > 0.0 && some < 0.5, "{some}");
        let common = share("the service of the certificate", 2);
        assert!(
            common < share("the latency of the certificate", 2),
            "what stands everywhere says less: {common}"
        );
        assert!(share("", 0).abs() < 1e-6);
        assert_eq!(index.words_in_topic(&words("delete the full certificate"), 1), 2);
        assert!((index.share_in_text(&words("disk full"), "The disks are filling up") - 0.5).abs() < 0.1);
    }

    #[test]
    fn an_empty_folder_has_no_answer() {
        let index = SearchIndex::build(&[], &[]).expect("an index");
        let words = index.words(&[(1.0, "disk full".into())]);
        assert!(index.scores(&words).expect("a search").is_empty());
    }
}
