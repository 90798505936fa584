//! What a provider of identities keeps here (SCIM), and who lets it.

use sluice_core::permission::Permission::{PeopleProvision, RoleGrant};

use crate::api::tokens;
use crate::route::Access::Needs;
use crate::route::Class::{Act, Read};
use crate::route::Route;
use crate::scim;

const SCIM: &str = "application/scim+json";
const LIST: &[&str] = &["filter", "startIndex", "scim-count", "attributes", "excludedAttributes"];
const ONE: &[&str] = &["attributes", "excludedAttributes", "If-None-Match-optional"];
const VERSION: &[&str] = &["If-Match-scim"];

pub(super) fn provisioning() -> Vec<Route> {
    let mut routes = users();
    routes.extend(groups());
    routes.extend(searches());
    routes.extend(offered());
    routes.push(
        Route::post("/api/v1/tokens/{id}/confirm", Needs(RoleGrant), Act, tokens::confirm)
            .about(
                "Agree, as a second person, that whoever has a token provisions people and groups.",
            )
            .gives("Done"),
    );
    routes
}

fn users() -> Vec<Route> {
    let needs = Needs(PeopleProvision);
    vec![
        Route::get("/scim/v2/Users", needs, Read, scim::list_users)
            .about("List the people that are provisioned (SCIM).")
            .with(LIST)
            .answers(200, SCIM)
            .gives("ScimList"),
        Route::post("/scim/v2/Users", needs, Act, scim::create_user)
            .about("Provision a person (SCIM).")
            .takes("ScimUser")
            .answers(201, SCIM)
            .gives("ScimResource"),
        Route::get("/scim/v2/Users/{id}", needs, Read, scim::show_user)
            .about("Show a person who is provisioned (SCIM).")
            .with(ONE)
            .answers(200, SCIM)
            .gives("ScimResource"),
        Route::put("/scim/v2/Users/{id}", needs, Act, scim::replace_user)
            .about("Replace what is kept of a person (SCIM).")
            .with(VERSION)
            .takes("ScimUser")
            .answers(200, SCIM)
            .gives("ScimResource"),
        Route::patch("/scim/v2/Users/{id}", needs, Act, scim::patch_user)
            .about("Alter what is kept of a person (SCIM).")
            .with(VERSION)
            .takes("ScimPatch")
            .answers(200, SCIM)
            .gives("ScimResource"),
        Route::delete("/scim/v2/Users/{id}", needs, Act, scim::remove_user)
            .about("Forget a person: their sessions end, and they act no more (SCIM).")
            .with(VERSION)
            .answers(204, ""),
    ]
}

fn groups() -> Vec<Route> {
    let needs = Needs(PeopleProvision);
    vec![
        Route::get("/scim/v2/Groups", needs, Read, scim::list_groups)
            .about("List the groups that are provisioned (SCIM).")
            .with(LIST)
            .answers(200, SCIM)
            .gives("ScimList"),
        Route::post("/scim/v2/Groups", needs, Act, scim::create_group)
            .about("Provision a group (SCIM).")
            .takes("ScimGroup")
            .answers(201, SCIM)
            .gives("ScimResource"),
        Route::get("/scim/v2/Groups/{id}", needs, Read, scim::show_group)
            .about("Show a group that is provisioned (SCIM).")
            .with(ONE)
            .answers(200, SCIM)
            .gives("ScimResource"),
        Route::put("/scim/v2/Groups/{id}", needs, Act, scim::replace_group)
            .about("Replace a group and its members (SCIM).")
            .with(VERSION)
            .takes("ScimGroup")
            .answers(200, SCIM)
            .gives("ScimResource"),
        Route::patch("/scim/v2/Groups/{id}", needs, Act, scim::patch_group)
            .about("Alter a group: its name, or who is in it (SCIM).")
            .with(VERSION)
            .takes("ScimPatch")
            .answers(200, SCIM)
            .gives("ScimResource"),
        Route::delete("/scim/v2/Groups/{id}", needs, Act, scim::remove_group)
            .about("Forget a group, and the roles that it gave (SCIM).")
            .with(VERSION)
            .answers(204, ""),
    ]
}

/// Queries that come as bodies.
fn searches() -> Vec<Route> {
    let needs = Needs(PeopleProvision);
    vec![
        Route::post("/scim/v2/.search", needs, Read, scim::search)
            .about("Search people and groups (SCIM).")
            .takes("ScimSearch")
            .answers(200, SCIM)
            .gives("ScimList"),
        Route::post("/scim/v2/Users/.search", needs, Read, scim::search_users)
            .about("Search people (SCIM).")
            .takes("ScimSearch")
            .answers(200, SCIM)
            .gives("ScimList"),
        Route::post("/scim/v2/Groups/.search", needs, Read, scim::search_groups)
            .about("Search groups (SCIM).")
            .takes("ScimSearch")
            .answers(200, SCIM)
            .gives("ScimList"),
    ]
}

fn offered() -> Vec<Route> {
    let needs = Needs(PeopleProvision);
    vec![
        Route::get("/scim/v2/ServiceProviderConfig", needs, Read, scim::config)
            .about("Say what of SCIM is offered.")
            .answers(200, SCIM)
            .gives("AnyObject"),
        Route::get("/scim/v2/ResourceTypes", needs, Read, scim::resource_types)
            .about("List the types of resources (SCIM).")
            .answers(200, SCIM)
            .gives("ScimList"),
        Route::get("/scim/v2/ResourceTypes/{name}", needs, Read, scim::resource_type)
            .about("Show a type of resources (SCIM).")
            .answers(200, SCIM)
            .gives("AnyObject"),
        Route::get("/scim/v2/Schemas", needs, Read, scim::schemas)
            .about("List the schemas of resources (SCIM).")
            .answers(200, SCIM)
            .gives("ScimList"),
        Route::get("/scim/v2/Schemas/{name}", needs, Read, scim::one_schema)
            .about("Show a schema of resources (SCIM).")
            .answers(200, SCIM)
            .gives("AnyObject"),
    ]
}
