//! Query parameters and parts of paths, with problems in our own form.

use axum::extract::FromRequestParts;
use http::request;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::status;

/// Typed query parameters. Unknown ones and those that come twice are refused.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let typed = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        typed.map(|query| Self(query.0)).map_err(|rejection| {
            let detail = rejection.body_text();
            Problem::of(&status::QUERY_INVALID, detail)
        })
    }
}

/// Reads an identifier out of a path. What is no identifier names no record.
pub(crate) fn id<T: std::str::FromStr>(text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Problem::of(&status::NO_SUCH_RECORD, error.to_string()))
}

/// Reads an identifier out of a query.
pub(crate) fn argument<T: std::str::FromStr>(text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Problem::of(&status::QUERY_INVALID, error.to_string()))
}
