//! What a link that leads nowhere says: JSON to programs, a page to people.

use axum::{extract::Request, middleware::Next, response::Response};

use crate::{error::Problem, welcome::prefers_html};

/// Turns a problem into a page where a person's browser asked.
pub(crate) async fn dead_link(request: Request, next: Next) -> Response {
    let html = prefers_html(request.headers());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) if html => problem.page(),
        _ => response,
    }
}
