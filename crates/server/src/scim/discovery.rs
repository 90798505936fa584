//! What we offer: the configuration, the types of resources and their schemas (RFC 7644, 4). Filters do not apply here.

use axum::extract::{Path, State};
use axum::response::Response;
use http::Uri;
use serde_json::{Value, json};

use super::{group, list, user, wire};
use crate::app::App;
use crate::problem::Problem;
use crate::status;

const TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMAS: &str = include_str!("schemas.json");

pub(crate) async fn config(State(app): State<App>) -> Response {
    let base = app.scim_base();
    wire::document(&json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": list::MOST},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer token",
            "description": "A token with `people.provision` that a second person has confirmed.", "primary": true}],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    }))
}

fn types(base: &str) -> Vec<Value> {
    let one = |name: &str, endpoint: &str, about: &str, schema: &str| {
        json!({"schemas": [TYPE], "id": name, "name": name, "endpoint": endpoint, "description": about,
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}")}})
    };
    vec![
        one("User", "/Users", "A person", user::SCHEMA),
        one("Group", "/Groups", "A group of people", group::SCHEMA),
    ]
}

fn all_schemas(base: &str) -> Vec<Value> {
    // They are part of the program; a test reads them.
    let mut schemas: Vec<Value> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    for schema in &mut schemas {
        let id = schema["id"].as_str().unwrap_or_default();
        let location = format!("{base}/Schemas/{id}");
        schema["meta"] = json!({"resourceType": "Schema", "location": location});
    }
    schemas
}

pub(crate) async fn resource_types(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    listed(types(&app.scim_base()), &uri)
}

pub(crate) async fn resource_type(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    one(types(&app.scim_base()), &name)
}

pub(crate) async fn schemas(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    listed(all_schemas(&app.scim_base()), &uri)
}

pub(crate) async fn schema(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    one(all_schemas(&app.scim_base()), &name)
}

fn listed(all: Vec<Value>, uri: &Uri) -> Result<Response, Problem> {
    let asked = uri.query().unwrap_or_default();
    if asked.split('&').any(|pair| pair.starts_with("filter=")) {
        let why = "what is offered cannot be filtered (RFC 7644, 4)";
        return Err(Problem::of(&status::SCIM_FORBIDDEN, why));
    }
    let count = all.len();
    Ok(wire::document(&json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": count, "startIndex": 1, "itemsPerPage": count, "Resources": all})))
}

fn one(all: Vec<Value>, id: &str) -> Result<Response, Problem> {
    let found = all.into_iter().find(|one| one["id"] == id);
    found.map(|one| wire::document(&one)).ok_or_else(|| Problem::of(&status::NO_SUCH_RECORD, ""))
}
