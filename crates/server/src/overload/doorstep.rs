//! The cheapest moment to refuse: when the head of a request has been read, before it is routed, its body looked at, or
//! whoever asks found out.
//!
//! It looks whether there is room for the class of the route, as the guard does later once more. What it does not know
//! goes on to the router.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};

use super::full;
use crate::app::App;
use crate::door;
use crate::route::{Class, Facts};

/// Routes as far as it has to know them.
#[derive(Clone)]
pub(crate) struct Doorstep {
    app: App,
    fixed: std::sync::Arc<BTreeMap<&'static str, Vec<Known>>>,
}

#[derive(Debug, Clone)]
struct Known {
    method: Method,
    class: Class,
}

impl Doorstep {
    /// Knows the routes whose path is always the same; pages are told to people in words of their own, elsewhere.
    pub(crate) fn new(app: App, routes: impl IntoIterator<Item = Facts>) -> Self {
        let mut fixed: BTreeMap<&'static str, Vec<Known>> = BTreeMap::new();
        for facts in routes {
            if !facts.page && !facts.path.contains('{') && !facts.path.starts_with("/scim/") {
                let known = Known { method: facts.method, class: facts.class };
                fixed.entry(facts.path).or_default().push(known);
            }
        }
        Self { app, fixed: std::sync::Arc::new(fixed) }
    }

    /// The answer to a request for which there is no room.
    pub(crate) fn refusal(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response> {
        let (path, known) = self.fixed.get_key_value(path)?;
        let class = known.iter().find(|known| known.method == *method)?.class;
        self.app.overload.glance(class).err()?;
        self.app.metrics.request(
            method.as_str(),
            path,
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::ZERO,
        );
        Some(door::refused(&full(), headers))
    }
}
