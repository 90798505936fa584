//! The one file that chooses status codes.
//!
//! Codes that the server itself gives are listed here; those of the engine's refusals are chosen by
//! their nature. Both are in `docs/reference/problems.md`, and a test keeps it so.

use http::StatusCode;
use sluice_core::refusal::{Refusal, RefusalNature};
use sluice_engine::EngineError;
use sluice_engine::store::ReadError;

use crate::problem::{Parts, Problem};

/// One row of the table of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Stable; the end of the problem's type `urn:sluice:problem:<code>`.
    pub code: &'static str,
    status: u16,
    /// The same for every problem of this code.
    pub title: &'static str,
    /// What to do next.
    pub help: &'static str,
}

impl Code {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

macro_rules! codes {
    ($($name:ident = $status:literal $code:literal, $title:literal, $help:literal;)*) => {
        $(#[doc = $title] pub const $name: Code =
            Code { code: $code, status: $status, title: $title, help: $help };)*

        /// Every code that the server itself gives.
        pub const CODES: &[Code] = &[$($name),*];
    };
}

codes! {
    TOKEN_MISSING = 401 "token_missing", "A token is needed", "send `Authorization: Bearer <token>`";
    TOKEN_REFUSED = 401 "token_refused", "The token is not good", "it is unknown, has expired or was revoked: log in again, or ask an administrator for a new one";
    SESSION_REFUSED = 401 "session_refused", "The session is over", "log in again";
    CSRF_REFUSED = 403 "csrf_refused", "The request does not come from our own pages", "send it from a page of this server, with the token that `GET /api/v1/session` gives";
    REPORTS_THROTTLED = 429 "reports_throttled", "Too many reports", "send fewer; those that are lost are not needed";
    LOGIN_THROTTLED = 429 "login_throttled", "Too many attempts failed", "wait as long as `Retry-After` says";
    HOOK_REFUSED = 401 "hook_refused", "The delivery is refused", "check the address of the hook and the secret on both sides";
    PERMISSION_MISSING = 403 "permission_missing", "The token does not allow this", "ask an administrator for a role, or a token, with this permission";
    SECOND_FACTOR_REQUIRED = 403 "second_factor_required", "A second factor is required here", "add a device: `sluice account totp add`, or under Second factor on your own page; then log in again";
    SCOPE_TOO_NARROW = 403 "scope_too_narrow", "The token's scope is too narrow for this", "use a token for the whole organisation: this speaks of all of it";
    NOT_FOUND = 404 "not_found", "There is nothing here", "check the path against `/api/v1/openapi.json`";
    NO_SUCH_RECORD = 404 "no_such_record", "There is no such record", "check the number or name; it may lie outside of the token's scope";
    NOT_WITNESSED = 404 "not_witnessed", "No head is witnessed", "name witnesses under `[[witness]]` in the server's configuration file (docs/guides/ledger.md); where there are some, look at their states under Audit or in `GET /api/v1/ledger/head`";
    PATH_NOT_NORMAL = 400 "path_not_normal", "The path is not in its normal form", "send it without `//`, `;`, `.` segments, a trailing `/`, and without encoding what needs no encoding";
    URL_TOO_LONG = 414 "url_too_long", "The URL is too long", "send at most 4 KiB";
    HEADERS_TOO_LARGE = 431 "headers_too_large", "The headers are too large", "send at most 100 headers and 16 KiB";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed", "The method is not possible here", "see the `Allow` header";
    MEDIA_TYPE = 415 "media_type_not_supported", "The body is not of a known type", "send `Content-Type: application/json` without a content encoding";
    BODY_TOO_LARGE = 413 "body_too_large", "The body is too large", "send less at once";
    BODY_TIMEOUT = 408 "body_timeout", "The body did not come in time", "send the whole body within 30 seconds";
    BODY_UNREADABLE = 400 "body_unreadable", "The body could not be read to its end", "send the request again";
    BODY_EMPTY = 400 "body_empty", "The body is empty", "send a JSON object";
    NOT_UTF8 = 400 "not_utf8", "The body is not UTF-8", "encode the body as UTF-8";
    NOT_JSON = 400 "not_json", "The body is not JSON", "send JSON by RFC 8259";
    TOO_DEEP = 400 "too_deep", "The body is nested too deep", "nest at most 32 levels";
    TOO_MANY_KEYS = 400 "too_many_keys", "The body has too many members", "send at most 10,000 members";
    STRING_TOO_LONG = 400 "string_too_long", "A string of the body is too long", "send strings of at most 64 KiB";
    DUPLICATE_KEY = 400 "duplicate_key", "A member is there twice", "send each member once";
    LONE_SURROGATE = 400 "lone_surrogate", "A string of the body is not Unicode", "escape characters beyond U+FFFF as a pair";
    NUMBER_OUT_OF_RANGE = 400 "number_out_of_range", "A number of the body cannot be held", "send numbers in the range of 64 bits";
    BODY_INVALID = 400 "body_invalid", "The body does not have the right shape", "compare with the schema in `/api/v1/openapi.json`; `at` says where";
    VALUE_TOO_LARGE = 400 "value_too_large", "A value of the body is beyond its limit", "`at` says which";
    QUERY_INVALID = 400 "query_invalid", "The query does not have the right shape", "compare with the parameters in `/api/v1/openapi.json`";
    HEADER_INVALID = 400 "header_invalid", "A header does not have the right shape", "compare with `/api/v1/openapi.json`";
    CURSOR_INVALID = 400 "cursor_invalid", "The cursor is none of ours", "follow `next` as it was given, or begin without a cursor";
    IDEMPOTENCY_KEY_MISSING = 400 "idempotency_key_missing", "An idempotency key is needed", "send `Idempotency-Key` with a text of your own that stays the same when you try again";
    IF_MATCH_MISSING = 428 "if_match_missing", "The version of the record is needed", "read the record, and send its `ETag` as `If-Match`";
    AHEAD_OF_LEDGER = 409 "ahead_of_ledger", "The ledger does not reach this far", "compare the signed heads: this server may have lost entries";
    OUT_OF_RANGE = 404 "out_of_range", "The log does not reach this far", "see `/api/v1/ledger/head` for its size";
    OVERLOADED = 503 "overloaded", "Too much is asked at once", "try again after `Retry-After` with the same idempotency key";
    REQUEST_TIMEOUT = 503 "request_timeout", "The request took too long", "try again with the same idempotency key";
    SHUTTING_DOWN = 503 "shutting_down", "The server is about to stop", "try again with the same idempotency key";
    LEDGER_UNAVAILABLE = 503 "ledger_unavailable", "The ledger cannot be reached", "try again after `Retry-After` with the same idempotency key; then look at disk and log of the server";
    OUTCOME_UNKNOWN = 503 "outcome_unknown", "It is not known yet whether this was recorded", "try again with the same idempotency key";
    CLOCK_UNTRUSTED = 503 "clock_untrusted", "It is not known yet what time it is", "try again after `Retry-After`; then look at the clock of the server";
    LOGIN_NOT_BEGUN = 400 "login_not_begun", "There is no login to go on with", "begin again";
    NOT_CONFIGURED = 503 "not_configured", "The server is not set up for this", "let an administrator complete its configuration";
    PROVIDER_UNAVAILABLE = 503 "provider_unavailable", "The provider of identities cannot be asked", "try again; then look whether this server reaches it";
    KEYS_UNAVAILABLE = 503 "keys_unavailable", "The keys of the token's issuer are not at hand", "try again after `Retry-After`; then look whether this server reaches the issuer";
    SAFE_HALT = 503 "safe_halt", "Nothing is recorded until a person has looked", "run `sluice verify` on the server's folder";
    DAMAGED = 500 "stored_data_damaged", "What is stored does not have its hash", "stop the server and run `sluice verify`";
    INTERNAL = 500 "internal_error", "Something went wrong here", "tell your administrator the value of `instance`";
    SCIM_FILTER = 400 "scim_filter", "The filter is none", "write one as in RFC 7644, 3.4.2.2";
    SCIM_PATH = 400 "scim_path", "The path of the patch is none", "write one as in RFC 7644, 3.5.2";
    SCIM_SYNTAX = 400 "scim_syntax", "The body does not have the right shape", "compare with RFC 7644";
    SCIM_VALUE = 400 "scim_value", "A value is not possible here", "compare with `/scim/v2/Schemas`";
    SCIM_NO_TARGET = 400 "scim_no_target", "The path of the patch names nothing", "look at the resource as it is";
    SCIM_MUTABILITY = 400 "scim_mutability", "The attribute cannot be changed", "leave it out";
    SCIM_FORBIDDEN = 403 "scim_forbidden", "This is not possible here", "leave the parameter out";
    BAD_REQUEST = 400 "bad_request", "The request cannot be read", "check the request";
}

/// The row of a code.
pub fn by_code(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|row| row.code == code)
}

/// Status and title of the refusals of one nature.
pub fn of_nature(nature: RefusalNature) -> (StatusCode, &'static str) {
    match nature {
        RefusalNature::Invalid => {
            (StatusCode::UNPROCESSABLE_ENTITY, "The request makes no sense as it stands")
        }
        RefusalNature::Missing => (StatusCode::NOT_FOUND, "There is no such thing"),
        RefusalNature::Conflict => {
            (StatusCode::CONFLICT, "It is not in a state in which this is possible")
        }
        RefusalNature::Forbidden => (StatusCode::FORBIDDEN, "A rule forbids it"),
        RefusalNature::Unproven => (StatusCode::UNAUTHORIZED, "It is not proved who asks"),
        RefusalNature::Outdated => {
            (StatusCode::PRECONDITION_FAILED, "It has been changed meanwhile")
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, title) = of_nature(refusal.nature);
        Self::from(Parts {
            status,
            code: refusal.code.into(),
            title: title.into(),
            detail: refusal.message,
            help: refusal.help.into(),
            rule: refusal.rule,
            at: None,
            retry_after_s: None,
            allow: None,
            log: None,
        })
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Forbidden(permission) => {
                let detail = format!("`{permission}` is needed: {}", permission.about());
                Problem::of(&PERMISSION_MISSING, detail)
            }
            EngineError::Unavailable(unavailable) => {
                let row = by_code(unavailable.code).unwrap_or(&LEDGER_UNAVAILABLE);
                let mut problem = Problem::of(row, unavailable.message.clone());
                problem.retry_after_s = unavailable.retry_after_s;
                problem.logged(unavailable.message)
            }
            EngineError::Read(error) => error.into(),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match &error {
            ReadError::OutOfRange { .. } => Problem::of(&OUT_OF_RANGE, error.to_string()),
            _ if error.is_damage() => {
                Problem::of(&DAMAGED, "the answer is withheld").logged(chain(&error))
            }
            _ => Problem::of(&LEDGER_UNAVAILABLE, "").retry_after(1).logged(chain(&error)),
        }
    }
}

/// An error with all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Status and type of a problem in the form of SCIM (RFC 7644, 3.12), which knows no `422`.
pub(crate) fn of_scim(problem: &Problem) -> (StatusCode, Option<&'static str>) {
    let kind = match problem.code.as_ref() {
        "scim_filter" => Some("invalidFilter"),
        "scim_path" => Some("invalidPath"),
        "scim_value" | "member_unknown" | "too_many_provisioned" | "query_invalid" => {
            Some("invalidValue")
        }
        "scim_no_target" => Some("noTarget"),
        "scim_mutability" => Some("mutability"),
        "not_unique" => Some("uniqueness"),
        _ if problem.status == StatusCode::BAD_REQUEST => Some("invalidSyntax"),
        _ => None,
    };
    let status = match problem.status {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    (status, kind)
}

/// What becomes of an answer that a layer below made without a problem.
pub(crate) fn of_bare(status: StatusCode) -> Problem {
    let row = match status {
        StatusCode::METHOD_NOT_ALLOWED => &METHOD_NOT_ALLOWED,
        StatusCode::NOT_FOUND => &NOT_FOUND,
        StatusCode::PAYLOAD_TOO_LARGE => &BODY_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &MEDIA_TYPE,
        status if status.is_client_error() => &BAD_REQUEST,
        _ => &INTERNAL,
    };
    Problem::of(row, "")
}
