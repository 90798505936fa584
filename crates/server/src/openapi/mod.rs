//! The API's description of itself, OpenAPI 3.1: the route table, and the shapes in
//! `schemas.json` and `parameters.json`. Tests hold real answers against the shapes.

use serde_json::{Map, Value, json};

use sluice_core::permission::Permission;

use crate::route::{Access, Facts};
use crate::routes::route_table;
use crate::status;

const SCHEMAS: &str = include_str!("schemas.json");
const PARAMETERS: &str = include_str!("parameters.json");
const PATHS: &str = include_str!("paths.json");

/// The description as JSON text, members in order, with a line feed at its end.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// The description.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for facts in route_table() {
        let path = facts.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[facts.method.as_str().to_lowercase()] = operation(&facts);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "The gate between delivery pipelines and production.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of `sluice token create`."},
            },
        },
    })
}

/// The shapes by name.
pub fn schemas() -> Value {
    let mut schemas = read(SCHEMAS);
    let names = |of: fn(&Permission) -> bool| -> Vec<&str> {
        Permission::ALL.iter().filter(|one| of(one)).map(|one| one.as_str()).collect()
    };
    schemas["Permission"] = json!({"enum": names(|_| true)});
    schemas["TokenPermission"] = json!({
        "description": "What a token can have; what decides is for people who are logged in.",
        "enum": names(|one| !one.is_for_people()),
    });
    schemas
}

fn read(text: &str) -> Value {
    // They are part of the program; a test reads them.
    serde_json::from_str(text).unwrap_or_default()
}

fn operation(facts: &Facts) -> Value {
    let mut operation = json!({
        "operationId": operation_id(facts),
        "summary": facts.about,
        "responses": responses(facts),
    });
    let parameters = parameters(facts);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(schema) = facts.takes {
        operation["requestBody"] = json!({
            "required": true,
            "content": {media_type_of(schema): {"schema": reference(schema)}},
        });
    } else if facts.path == "/hooks/{hook}" && facts.method == http::Method::POST {
        operation["requestBody"] = json!({"required": true, "content": {"*/*": {}}});
    }
    match facts.access {
        Access::Public(why) => operation["x-sluice-public"] = json!(why),
        Access::Needs(permission) => {
            operation["security"] = json!([{"token": []}]);
            operation["x-sluice-permission"] = json!(permission.as_str());
        }
        Access::AnyToken => operation["security"] = json!([{"token": []}]),
        Access::Metrics | Access::Log => {
            operation["security"] = json!([{}, {"token": []}]);
            operation["x-sluice-public"] = json!("unless configured otherwise");
        }
    }
    operation
}

/// Bodies are JSON, but for what another standard wants as a form.
fn media_type_of(schema: &str) -> &'static str {
    match schema {
        "ExchangeRequest" => "application/x-www-form-urlencoded",
        "ScimUser" | "ScimGroup" | "ScimPatch" | "ScimSearch" => "application/scim+json",
        _ => "application/json",
    }
}

fn responses(facts: &Facts) -> Value {
    let (status, media_type, schema) = facts.gives;
    let mut answer = json!({"description": "As asked."});
    if !media_type.is_empty() {
        let content =
            schema.map_or_else(|| json!({}), |schema| json!({"schema": reference(schema)}));
        answer["content"] = json!({ media_type: content });
    }
    let problem = if facts.path.starts_with("/scim/") {
        json!({
            "description": "An error (RFC 7644, 3.12).",
            "content": {"application/scim+json": {"schema": reference("ScimError")}},
        })
    } else {
        json!({
            "description": "A problem (RFC 9457); `code` is stable.",
            "content": {"application/problem+json": {"schema": reference("Problem")}},
        })
    };
    json!({status.to_string(): answer, "default": problem})
}

fn parameters(facts: &Facts) -> Vec<Value> {
    let known = read(PARAMETERS);
    let segments = facts.path.split('/').filter_map(|segment| {
        segment.strip_prefix('{')?.strip_suffix('}').map(|name| name.trim_start_matches('*'))
    });
    let shapes = read(PATHS);
    let in_path = segments.map(|name| {
        let schema = &shapes[segment_before(facts.path, name)][name];
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    let named = facts.parameters.iter().map(|name| known[name].clone());
    in_path.chain(named).collect()
}

/// The fixed segment before a variable one: it says what the variable one names.
fn segment_before<'a>(path: &'a str, name: &str) -> &'a str {
    let segments: Vec<&str> = path.split('/').collect();
    let at = segments.iter().position(|it| it.trim_matches(['{', '*', '}']) == name).unwrap_or(0);
    let before = segments.iter().take(at).rev().find(|it| !it.starts_with('{'));
    before.copied().unwrap_or_default()
}

fn operation_id(facts: &Facts) -> String {
    let words = facts.path.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.filter(|word| !matches!(*word, "" | "api" | "v1"));
    let path: Vec<&str> = words.collect();
    format!("{}_{}", facts.method.as_str().to_lowercase(), path.join("_"))
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// The table of problems as a document in Markdown.
pub fn problems() -> String {
    let mut text = String::from(PROBLEMS_HEAD);
    for row in status::CODES {
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            row.code,
            row.status().as_u16(),
            row.title,
            row.help
        ));
    }
    text
}

const PROBLEMS_HEAD: &str = "\
# Problems

Every \"no\" and every failure is an `application/problem+json` (RFC 9457): `type`
(`urn:sluice:problem:<code>`), `title`, `status`, `detail`, `instance` (the request's id, also in
`X-Request-Id`), `code` (stable), `help` (what to do next), and where they apply `rule` (the rule that
said it) and `at` (the path of the value in the body). This document is generated.

A refusal by a rule of the domain has a code of its own and a status by its nature: `422` the request
makes no sense as it stands, `404` there is no such thing, `409` it is not in a state in which this is
possible, `401` it is not proved who asks, `403` a rule forbids it, `412` it has been changed meanwhile. An idempotency key that comes
again with another path or body is `422`. A denied or waiting gate question is not a problem: it is the answer,
with `200`.

| code | status | title | help |
| --- | --- | --- | --- |
";
