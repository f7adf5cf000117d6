//! `GET /orders?count=N`: the work that chaos disturbs.

use std::time::Instant;

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
};
use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;

use super::problem::Problem;
use crate::{App, metrics::OrdersResult, orders::Order};

/// How many orders an answer holds where the request does not say.
const COUNT_DEFAULT: u16 = 10;
const COUNT_MAX: u16 = 1_000;

/// The most requests that wait at once. Under a long delay they pile up; each holds a socket and some memory, and
/// the service must stay able to answer `/chaos`.
const IN_FLIGHT_MAX: i64 = 10_000;

#[derive(Serialize)]
pub(super) struct OrdersResponse {
    orders: Vec<Order>,
}

pub(super) async fn list_orders(
    State(app): State<App>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Json<OrdersResponse>, Problem> {
    let count = match count_asked(&parameters) {
        Ok(count) => count,
        Err(detail) => {
            app.metrics.orders(OrdersResult::Rejected);
            return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_count", detail));
        }
    };
    let Some(_place) = InFlight::enter(&app.metrics.orders_in_flight) else {
        app.metrics.orders(OrdersResult::Failed);
        let detail = format!("{IN_FLIGHT_MAX} requests for orders are waiting already; try again later.");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail));
    };
    let chaos = app.chaos.in_force();
    let delay = chaos.delay_at(Instant::now());
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if chaos.settings.fails(rand::random()) {
        app.metrics.orders(OrdersResult::Failed);
        let detail = "This order failed on purpose: /chaos has a fail_rate in force.";
        return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "injected_failure", detail));
    }
    app.metrics.orders(OrdersResult::Ok);
    Ok(Json(OrdersResponse { orders: app.orders.take(count) }))
}

/// The count asked for, or what is wrong with it, in words.
fn count_asked(parameters: &[(String, String)]) -> Result<u16, String> {
    let mut asked = None;
    for (name, value) in parameters {
        if name != "count" {
            return Err(format!("unknown parameter `{name}`; allowed is count"));
        }
        if asked.is_some() {
            return Err("parameter `count` is given more than once".to_owned());
        }
        match value.parse() {
            Ok(count @ 1..=COUNT_MAX) => asked = Some(count),
            _ => return Err(format!("count={value} is not allowed; a whole number from 1 to {COUNT_MAX}")),
        }
    }
    Ok(asked.unwrap_or(COUNT_DEFAULT))
}

/// A place among the requests in flight, given back on drop: also when the client leaves.
struct InFlight<'a>(&'a Gauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a Gauge) -> Option<Self> {
        let before = gauge.inc();
        let place = Self(gauge);
        (before < IN_FLIGHT_MAX).then_some(place)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Result<u16, String> {
        let owned: Vec<_> = query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        count_asked(&owned)
    }

    #[test]
    fn the_ends_of_the_range_are_allowed() {
        assert_eq!(asked(&[("count", "1")]), Ok(1));
        assert_eq!(asked(&[("count", "1000")]), Ok(1_000));
        assert_eq!(asked(&[]), Ok(COUNT_DEFAULT));
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        for value in ["0", "1001", "-1", "ten", "", "1e2", "65537", "99999999999999999999"] {
            let expected = format!("count={value} is not allowed; a whole number from 1 to 1000");
            assert_eq!(asked(&[("count", value)]), Err(expected));
        }
        assert!(asked(&[("count", "1"), ("count", "2")]).is_err());
        assert!(asked(&[("cuont", "5")]).unwrap_err().contains("cuont"));
    }

    #[test]
    fn a_full_house_turns_away_and_gives_places_back() {
        let gauge = Gauge::default();
        gauge.set(IN_FLIGHT_MAX - 1);
        let last = InFlight::enter(&gauge);
        assert!(last.is_some());
        assert!(InFlight::enter(&gauge).is_none());
        drop(last);
        assert_eq!(gauge.get(), IN_FLIGHT_MAX - 1);
    }
}
