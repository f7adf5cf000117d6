use serde_json::{Map, Value, json};

use super::Evaluation;
use crate::suite::{Item, Part};

/// The keys that scripts rely on stand at the top level: those of the parts, and the extras. The rest mirrors them.
pub(super) fn object(evaluation: &Evaluation) -> Value {
    let mut object = Map::new();
    let (mut intervals, mut chance, mut groups) = (Map::new(), Map::new(), Map::new());
    let (mut worst, mut items) = (Map::new(), Map::new());
    for (part, figures) in evaluation.parts() {
        let place = level(&mut object, &part.name);
        place.insert("n".to_owned(), json!(part.n()));
        for figure in figures {
            place.insert(figure.key.to_owned(), number(figure.value));
            let ends = figure.interval95.map(|ends| ends.map(|end| number(Some(end))));
            level(&mut intervals, &part.name).insert(figure.key.to_owned(), json!(ends));
            if let Some(floor) = figure.chance {
                level(&mut chance, &part.name).insert(figure.key.to_owned(), number(Some(floor)));
            }
        }
        for group in part.groups() {
            let mut told = Map::from_iter([("n".to_owned(), json!(group.n))]);
            told.extend(figures.iter().zip(group.values).map(|(f, value)| (f.key.to_owned(), number(value))));
            level(&mut groups, &part.name).insert(group.name, told.into());
        }
        worst.insert(part.name.clone(), part.worst().0.into_iter().map(miss).collect());
        items.insert(part.name.clone(), sorted(part).into_iter().map(|item| json!(item)).collect());
    }
    for &(key, value) in evaluation.extras() {
        object.insert(key.to_owned(), number(Some(value)));
    }
    object.insert("suite".to_owned(), json!(evaluation.suite()));
    object.insert("embeddings".to_owned(), json!(evaluation.embeddings()));
    object.insert("remarks".to_owned(), json!(evaluation.remarks()));
    for (key, value) in [
        ("interval95", intervals),
        ("chance", chance),
        ("groups", groups),
        ("worst", worst),
        ("items", items),
    ] {
        object.insert(key.to_owned(), value.into());
    }
    if let Some(comparison) = evaluation.comparison() {
        object.insert("against".to_owned(), json!(comparison));
    }
    object.into()
}

/// The object at the end of a dotted name. The empty name is the top level itself.
fn level<'a>(object: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let mut place = object;
    for key in name.split('.').filter(|key| !key.is_empty()) {
        let next = place.entry(key).or_insert_with(|| Value::Object(Map::new()));
        if !next.is_object() {
            *next = Value::Object(Map::new());
        }
        place = next.as_object_mut().expect("it has just been made an object");
    }
    place
}

/// Six digits are more than any interval is worth, and keep files small.
fn number(value: Option<f64>) -> Value {
    json!(value.map(|value| (value * 1e6).round() / 1e6))
}

fn miss(item: &Item) -> Value {
    json!({
        "id": item.id,
        "group": item.group,
        "asked": item.asked,
        "right": item.right,
        "answered": item.answered,
        "loss": number(Some(item.loss)),
    })
}

fn sorted(part: &Part) -> Vec<&Item> {
    let mut items: Vec<&Item> = part.items.iter().collect();
    items.sort_by(|one, other| one.id.cmp(&other.id));
    items
}

/// JSON with two spaces a level, but each element of a list on one line.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth + 1);
    let lines: Vec<String> = match value {
        Value::Object(members) if !members.is_empty() => {
            let member = |(key, value): (&String, &Value)| {
                let mut line = format!("{indent}{}: ", Value::from(key.as_str()));
                write(value, depth + 1, &mut line);
                line
            };
            members.iter().map(member).collect()
        }
        Value::Array(elements)
            if elements.iter().any(|element| element.is_object() || element.is_string()) =>
        {
            elements.iter().map(|element| format!("{indent}{element}")).collect()
        }
        plain => return text.push_str(&plain.to_string()),
    };
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    text.push(open);
    text.push('\n');
    text.push_str(&lines.join(",\n"));
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Measure, Outcome};

    fn item(id: &str, r1: f64) -> Item {
        Item::new(id)
            .in_group(&id[..1])
            .asked("q")
            .right("doc")
            .answered("other")
            .score("r1", r1)
            .loss(1.0 - r1)
    }

    #[test]
    fn the_contracts_keys_stand_at_the_top_and_the_rest_mirrors_them() {
        let measures = || vec![Measure::share("r1", "").chance(0.25)];
        let items = vec![item("b2", 0.0), item("a1", 1.0)];
        let outcome = Outcome::new("demo", Some("model@1".to_owned()))
            .part(Part::new("easy", "", measures(), items.clone()).grouped_by("corpus"))
            .part(Part::new("breach.q98", "", measures(), items.clone()))
            .part(Part::new("", "", measures(), items))
            .extra("ms_per_query", 1.25);
        let evaluation = Evaluation::of(outcome);
        let told = evaluation.to_json();
        assert_eq!(told["easy"], json!({"n": 2, "r1": 0.5}));
        assert_eq!(told["breach"]["q98"], json!({"n": 2, "r1": 0.5}));
        assert_eq!((&told["n"], &told["r1"], &told["ms_per_query"]), (&json!(2), &json!(0.5), &json!(1.25)));
        assert_eq!(told["embeddings"], "model@1");
        assert_eq!(told["chance"]["breach"]["q98"]["r1"], 0.25);
        assert_eq!(told["interval95"]["easy"]["r1"], json!([0.0, 1.0]));
        assert_eq!(told["groups"]["easy"]["a"], json!({"n": 1, "r1": 1.0}));
        assert_eq!(told["worst"]["easy"][0]["id"], "b2");
        assert_eq!(told["items"]["easy"][0]["id"], "a1");
        let text = evaluation.to_json_text();
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), told);
        assert!(text.lines().any(|line| line.contains("\"b2\"") && line.contains("scores")), "{text}");
    }

    #[test]
    fn no_embeddings_is_said_and_no_value_is_null() {
        let outcome =
            Outcome::new("demo", None).part(Part::new("x", "", vec![Measure::share("r1", "")], vec![]));
        let told = Evaluation::of(outcome).to_json();
        assert_eq!(told["embeddings"], Value::Null);
        assert!(told.as_object().is_some_and(|object| object.contains_key("embeddings")));
        assert_eq!(told["x"], json!({"n": 0, "r1": null}));
    }
}
