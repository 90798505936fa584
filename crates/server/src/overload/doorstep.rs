//! The cheapest moment to refuse: when the head of a request has been read, before it is routed, its body looked at, or
//! whoever asks found out.
//!
//! It looks whether there is room for the class of the route, as the guard does later once more. What it does not know
//! goes on to the router.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};

use crate::app::App;
use crate::door;
use crate::route::{Class, Facts};

/// Who stands there.
#[derive(Clone)]
pub(crate) struct Doorstep {
    app: App,
    fixed: Arc<Fixed>,
}

/// The routes whose path is always the same, by path, method and class.
#[derive(Debug, Default)]
struct Fixed(BTreeMap<&'static str, Vec<(Method, Class)>>);

impl Fixed {
    /// Pages and SCIM are refused in words of their own, elsewhere.
    fn new(routes: impl IntoIterator<Item = Facts>) -> Self {
        let mut fixed = Self::default();
        for facts in routes {
            if !facts.page && !facts.path.contains('{') && !facts.path.starts_with("/scim/") {
                fixed.0.entry(facts.path).or_default().push((facts.method, facts.class));
            }
        }
        fixed
    }

    fn find(&self, method: &Method, path: &str) -> Option<(&'static str, Class)> {
        let (path, known) = self.0.get_key_value(path)?;
        let (_, class) = known.iter().find(|(known, _)| known == method)?;
        Some((path, *class))
    }
}

impl Doorstep {
    pub(crate) fn new(app: App, routes: impl IntoIterator<Item = Facts>) -> Self {
        Self { app, fixed: Arc::new(Fixed::new(routes)) }
    }

    /// The answer to a request for which there is no room.
    pub(crate) fn refusal(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response> {
        let (path, class) = self.fixed.find(method, path)?;
        let problem = self.app.overload.glance(class).err()?;
        self.app.metrics.request(
            method.as_str(),
            path,
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::ZERO,
        );
        Some(door::refused(&problem, headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{page_table, route_table};

    #[test]
    fn it_knows_what_is_asked_at_one_address_and_leaves_the_rest_to_the_router() {
        let fixed = Fixed::new(route_table().into_iter().chain(page_table()));
        let class = |method: Method, path: &str| fixed.find(&method, path).map(|found| found.1);
        assert_eq!(class(Method::POST, "/api/v1/gate"), Some(Class::Gate));
        assert_eq!(class(Method::GET, "/api/v1/changes"), Some(Class::Read));
        for (method, path) in [
            (Method::GET, "/api/v1/gate"),
            (Method::GET, "/api/v1/changes/CHG0000001"),
            (Method::GET, "/api/v1/changes/{number}"),
            (Method::GET, "/api/v1/changes/"),
            (Method::GET, "/changes"),
            (Method::GET, "/scim/v2/Users"),
            (Method::GET, "/nowhere"),
        ] {
            assert_eq!(class(method, path), None, "{path}");
        }
    }
}
