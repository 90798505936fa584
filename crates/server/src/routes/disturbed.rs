//! Incidents, problems and configuration items.

use sluice_core::permission::Permission::{
    IncidentCreate, IncidentEdit, IncidentRead, OrganisationRead, ProblemEdit,
};

use crate::api::{incidents, problems};
use crate::route::Access::Needs;
use crate::route::Class::{Act, Read};
use crate::route::Route;

pub(super) fn incidents() -> Vec<Route> {
    vec![
        Route::get("/api/v1/incidents", Needs(IncidentRead), Read, incidents::list)
            .about("List incidents, newest first.")
            .with(&["incident-state", "service", "change", "limit", "cursor"])
            .gives("IncidentList"),
        Route::post("/api/v1/incidents", Needs(IncidentCreate), Act, incidents::open)
            .about("Open an incident.")
            .takes("IncidentRequest")
            .answers(201, "application/json")
            .gives("IncidentOpened"),
        Route::get("/api/v1/incidents/{number}", Needs(IncidentRead), Read, incidents::show)
            .about("Show an incident.")
            .gives("Incident"),
        Route::get(
            "/api/v1/incidents/{number}/references",
            Needs(IncidentRead),
            Read,
            incidents::references,
        )
        .about("List what other systems have for an incident.")
        .gives("ReferenceList"),
        Route::post(
            "/api/v1/incidents/{number}/move",
            Needs(IncidentEdit),
            Act,
            incidents::advance,
        )
        .about("Say that an incident is worked on, or waits.")
        .takes("IncidentMove")
        .gives("Done"),
        Route::post(
            "/api/v1/incidents/{number}/resolve",
            Needs(IncidentEdit),
            Act,
            incidents::resolve,
        )
        .about("Say that an incident is over, and how.")
        .takes("IncidentResolve")
        .gives("Done"),
        Route::get("/api/v1/items/{*name}", Needs(OrganisationRead), Read, incidents::item)
            .about("Show a service as a configuration item, with what other systems have for it.")
            .gives("ConfigurationItem"),
    ]
}

pub(super) fn problems() -> Vec<Route> {
    vec![
        Route::get("/api/v1/problems", Needs(IncidentRead), Read, problems::list)
            .about("List problems, newest first.")
            .with(&["problem-state", "service", "incident", "limit", "cursor"])
            .gives("ProblemRecordList"),
        Route::post("/api/v1/problems", Needs(ProblemEdit), Act, problems::open)
            .about("Open a problem, with its incidents and changes.")
            .takes("ProblemRequest")
            .answers(201, "application/json")
            .gives("ProblemOpened"),
        Route::get("/api/v1/problems/{number}", Needs(IncidentRead), Read, problems::show)
            .about("Show a problem.")
            .gives("ProblemRecord"),
        Route::get(
            "/api/v1/problems/{number}/references",
            Needs(IncidentRead),
            Read,
            problems::references,
        )
        .about("List what other systems have for a problem.")
        .gives("ReferenceList"),
        Route::post("/api/v1/problems/{number}/move", Needs(ProblemEdit), Act, problems::advance)
            .about("Say where a problem stands.")
            .takes("ProblemMove")
            .gives("Done"),
        Route::post("/api/v1/problems/{number}/link", Needs(ProblemEdit), Act, problems::link)
            .about("Link further incidents and changes to a problem.")
            .takes("ProblemLink")
            .gives("Done"),
        Route::post(
            "/api/v1/problems/{number}/resolve",
            Needs(ProblemEdit),
            Act,
            problems::resolve,
        )
        .about("Say that a problem is over, and how.")
        .takes("ProblemResolve")
        .gives("Done"),
    ]
}
