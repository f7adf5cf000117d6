//! What kind of trouble an alert is about, what people say instead, and incidents that are alike.

use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

async fn server_with_a_class() -> TestServer {
    let server = TestServer::start().await;
    server.alert(json!([alert("PostgresqlTooManyConnections", "shop", "firing")])).await;
    server.event(1, "classified").await;
    server
}

#[tokio::test]
async fn an_alert_is_classified_on_its_timeline_and_on_its_page() {
    let server = server_with_a_class().await;
    let class = server.event(1, "classified").await;
    assert_eq!(
        (&class["alert"], &class["category"]),
        (&json!("PostgresqlTooManyConnections"), &json!("Databases"))
    );
    let page =
        server.http.get(format!("{}/incidents/1", server.url)).send().await.unwrap().text().await.unwrap();
    let card = page.split(r#"id="class""#).nth(1).unwrap().split("</section>").next().unwrap();
    assert!(card.contains("Databases") && card.contains("% sure"), "{card}");
    assert_eq!(card.matches("<select").count(), 2, "{card}");
    server.stop().await;
}

#[tokio::test]
async fn a_correction_is_kept_shown_and_learned_from() {
    let server = server_with_a_class().await;
    let correct = async |body: Value| server.post("/api/v1/incidents/1/class", body.to_string()).await;
    let right = json!({"by": "ada", "alert": "PostgresqlTooManyConnections", "category": "Runtimes", "severity": "info"});
    let (status, answer) = correct(right.clone()).await;
    assert_eq!(status, 200, "{answer}");
    // Said again, it changes nothing.
    assert_eq!(correct(right).await.0, 200);
    let kinds = server.kinds(1).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "class_corrected").count(), 1, "{kinds:?}");
    assert_eq!(server.event(1, "class_corrected").await["was"], "Databases");
    let page =
        server.http.get(format!("{}/incidents/1", server.url)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<b>Runtimes</b>, corrected by ada"), "{page}");
    let alert = json!({"name": "PostgresqlTooManyConnections", "summary": "it is slow"});
    let (status, class) = server.post("/api/v1/classify", alert.to_string()).await;
    assert_eq!((status, &class["category"]), (200, &json!("Runtimes")), "{class}");
    assert!(class["learned_from"].as_u64().unwrap() >= 1, "{class}");

    for (body, status, words) in [
        (
            json!({"by": "ada", "alert": "PostgresqlTooManyConnections", "category": "Kitchens"}),
            400,
            "Databases; ",
        ),
        (json!({"by": "ada", "alert": "Unknown", "category": "Storage"}), 400, "no alert named Unknown"),
        (
            json!({"by": "", "alert": "PostgresqlTooManyConnections", "category": "Storage"}),
            400,
            "by must be",
        ),
    ] {
        let (got, answer) = correct(body.clone()).await;
        assert_eq!(got, status, "{body}");
        assert!(answer["detail"].as_str().unwrap().contains(words), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_form_corrects_without_javascript() {
    let server = server_with_a_class().await;
    let post = async |body: &'static str| {
        let request = server.http.post(format!("{}/incidents/1/class", server.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.header("cookie", "opsseer_name=bob").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, html) = post("alert=PostgresqlTooManyConnections&category=Storage&severity=").await;
    assert_eq!(status, 200);
    assert!(
        html.contains("You said what kind PostgresqlTooManyConnections is: Storage, not Databases"),
        "{html}"
    );
    let (status, html) = post("alert=PostgresqlTooManyConnections&category=Kitchens&severity=").await;
    assert!(status == 400 && html.contains("that is not a category"), "{html}");
    server.stop().await;
}

#[tokio::test]
async fn an_alert_without_words_or_with_too_many_is_refused() {
    let server = TestServer::start().await;
    let classify = async |body: Value| server.post("/api/v1/classify", body.to_string()).await;
    assert_eq!(classify(json!({"labels": {"a": "b"}})).await.0, 400);
    assert_eq!(classify(json!({"name": "a".repeat(70_000)})).await.0, 413);
    let (status, class) =
        classify(json!({"alertname": "RedisOutOfMemory", "expr": "redis_memory_used_bytes > 9"})).await;
    assert_eq!((status, &class["category"]), (200, &json!("Databases")), "{class}");
    assert_eq!(class["runners_up"].as_array().unwrap().len(), 2, "{class}");
    server.stop().await;
}

#[tokio::test]
async fn an_earlier_incident_that_is_like_it_is_shown_with_its_end() {
    let server = server_with_a_class().await;
    server.event(1, "similar_found").await;
    let over = json!({"by": "ada", "reason": "raised max_connections"}).to_string();
    server.post("/api/v1/incidents/1/resolve", over).await;
    let mut again = alert("PostgresqlTooManyConnections", "billing", "firing");
    again["startsAt"] = json!("2026-01-03T03:04:05Z");
    let number = server.alert(json!([again])).await[0];
    let found = server.event(number, "similar_found").await;
    assert_eq!(found["incidents"][0]["number"], 1, "{found}");
    let page = format!("{}/incidents/{number}", server.url);
    let page = server.http.get(page).send().await.unwrap().text().await.unwrap();
    let card = page.split(r#"id="similar""#).nth(1).unwrap().split("</section>").next().unwrap();
    for part in [r#"href="/incidents/1""#, "took ", "raised max_connections"] {
        assert!(card.contains(part), "{part} is missing: {card}");
    }
    server.stop().await;
}
