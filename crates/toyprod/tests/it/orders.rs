//! `/orders`.

use crate::server::start;

#[tokio::test]
async fn as_many_orders_as_asked() {
    let server = start().await;
    for (path, count) in [("/orders", 10), ("/orders?count=1", 1), ("/orders?count=1000", 1_000)] {
        let answer = server.get_json(path).await;
        let orders = answer["orders"].as_array().unwrap();
        assert_eq!(orders.len(), count, "{path}");
        for order in orders {
            assert!(order["id"].is_u64() && order["item"].is_string() && order["price"].is_f64(), "{order}");
        }
    }
}

#[tokio::test]
async fn a_count_out_of_range_is_refused_in_words() {
    let server = start().await;
    for count in ["0", "1001", "ten", "-3", "1.5"] {
        let detail = server.refused(&format!("/orders?count={count}"), 400).await;
        assert_eq!(detail, format!("count={count} is not allowed; a whole number from 1 to 1000"));
    }
    server.until_metric(r#"toyprod_orders_total{result="rejected"} 5"#).await;
}

#[tokio::test]
async fn errors_of_routing_are_told_the_same_way() {
    let server = start().await;
    assert!(server.refused("/order", 404).await.contains("/orders"));
    let posted = server.client.post(server.url("/orders")).send().await.unwrap();
    let allowed = posted.headers()["allow"].to_str().unwrap().to_owned();
    crate::server::detail_of(posted, 405).await;
    assert!(allowed.contains("GET"), "{allowed}");
}
