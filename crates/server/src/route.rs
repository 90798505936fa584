//! What a row of the route table says.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use sluice_core::permission::Permission;

use crate::app::App;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a token with this permission.
    Needs(Permission),
    /// Whoever has a token that is good.
    AnyToken,
    /// Anybody, for this reason.
    Public(&'static str),
    /// Anybody, unless the option for public metrics is off: then whoever has a token.
    Metrics,
    /// Anybody, unless the option for the public log is off: then [`Permission::LedgerRead`].
    Log,
}

/// Which share of the machine a route may take; each has its own limit (see the overload module).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Answers from memory at once, whatever the load.
    Light,
    /// Gate questions and passes.
    Gate,
    /// What people and pipelines do to records.
    Act,
    /// Deliveries.
    Deliver,
    /// Reads.
    Read,
    /// Whole organisations.
    Bulk,
    /// Event streams. Gate questions that wait have places of their own.
    Follow,
}

/// What is known of a route at run time.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Method. A `GET` answers `HEAD` too.
    pub method: Method,
    /// Path, `{name}` for a segment and `{*name}` for the rest.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// Its share of the machine.
    pub class: Class,
    /// Whether it is a page for people: it is told in HTML why it cannot be shown.
    pub page: bool,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Names of its query parameters and headers, as in the API's description.
    pub parameters: &'static [&'static str],
    /// Schema of its body.
    pub takes: Option<&'static str>,
    /// Whether its body is a whole organisation, which is larger than any other.
    pub takes_folder: bool,
    /// Most bytes of its body, where they are fewer than those of its kind.
    pub at_most: Option<usize>,
    /// Status, media type and schema of its answer.
    pub gives: (u16, &'static str, Option<&'static str>),
}

/// One row: what is known of a route, and what answers.
pub(crate) struct Route {
    pub(crate) facts: Facts,
    pub(crate) handler: MethodRouter<App>,
}

impl Route {
    pub(crate) fn get<H, T>(path: &'static str, access: Access, class: Class, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::GET, MethodFilter::GET, path, access, class, handler)
    }

    pub(crate) fn post<H, T>(path: &'static str, access: Access, class: Class, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::POST, MethodFilter::POST, path, access, class, handler)
    }

    pub(crate) fn put<H, T>(path: &'static str, access: Access, class: Class, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::PUT, MethodFilter::PUT, path, access, class, handler)
    }

    pub(crate) fn delete<H, T>(path: &'static str, access: Access, class: Class, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::DELETE, MethodFilter::DELETE, path, access, class, handler)
    }

    pub(crate) fn patch<H, T>(path: &'static str, access: Access, class: Class, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::PATCH, MethodFilter::PATCH, path, access, class, handler)
    }

    pub(crate) fn options<H, T>(
        path: &'static str,
        access: Access,
        class: Class,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::OPTIONS, MethodFilter::OPTIONS, path, access, class, handler)
    }

    fn new<H, T>(
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        access: Access,
        class: Class,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let facts = Facts {
            method,
            path,
            access,
            class,
            page: false,
            about: "",
            parameters: &[],
            takes: None,
            takes_folder: false,
            at_most: None,
            gives: (200, "application/json", None),
        };
        Self { facts, handler: on(filter, handler) }
    }

    /// What it does, in a sentence.
    pub(crate) fn about(mut self, about: &'static str) -> Self {
        self.facts.about = about;
        self
    }

    /// Its query parameters and headers.
    pub(crate) fn with(mut self, parameters: &'static [&'static str]) -> Self {
        self.facts.parameters = parameters;
        self
    }

    /// The schema of its body.
    pub(crate) fn takes(mut self, schema: &'static str) -> Self {
        self.facts.takes = Some(schema);
        self
    }

    /// The schema of its body, which is a whole organisation (`LargeJson`).
    pub(crate) fn takes_folder(mut self, schema: &'static str) -> Self {
        self.facts.takes_folder = true;
        self.takes(schema)
    }

    /// Most bytes of its body.
    pub(crate) fn at_most(mut self, bytes: usize) -> Self {
        self.facts.at_most = Some(bytes);
        self
    }

    /// The schema of its answer.
    pub(crate) fn gives(mut self, schema: &'static str) -> Self {
        self.facts.gives.2 = Some(schema);
        self
    }

    /// Status and media type of its answer, where they are not `200` and JSON.
    pub(crate) fn answers(mut self, status: u16, media_type: &'static str) -> Self {
        self.facts.gives.0 = status;
        self.facts.gives.1 = media_type;
        self
    }
}
