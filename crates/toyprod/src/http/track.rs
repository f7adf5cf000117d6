//! Counts every request and how long it took, also those whose client did not wait for the answer.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use crate::{
    App,
    metrics::{Metrics, Route, method_label},
};

/// The status that is counted when the client leaves first; nginx made it known.
const CLIENT_LEFT: u16 = 499;

/// A request that is being answered. It is counted when this is dropped, because a client that leaves ends the
/// handler by dropping it: under a long delay, those would otherwise be the very requests that no metric shows.
struct Tracked {
    metrics: Arc<Metrics>,
    route: Route,
    method: &'static str,
    status: u16,
    began: Instant,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.metrics.request(self.route, self.method, self.status, self.began.elapsed());
    }
}

pub(super) async fn track(State(app): State<App>, request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let mut tracked = Tracked {
        route: Route::matched(pattern),
        method: method_label(request.method()),
        status: CLIENT_LEFT,
        began: Instant::now(),
        metrics: app.metrics,
    };
    let response = next.run(request).await;
    tracked.status = response.status().as_u16();
    response
}
