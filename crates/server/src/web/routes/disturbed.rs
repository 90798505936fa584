//! The pages of incidents and problems, with the permissions that the API asks for.

use sluice_core::permission::Permission::{
    IncidentCreate, IncidentEdit, IncidentRead, ProblemEdit,
};

use crate::route::Access::Needs;
use crate::route::Class::{Act, Read};
use crate::route::Route;
use crate::web::pages::{incidents, problems};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = looking();
    routes.extend(acting());
    routes
}

fn looking() -> Vec<Route> {
    vec![
        Route::get("/incidents", Needs(IncidentRead), Read, incidents::show)
            .about("Incidents, those that are open first of all."),
        Route::get("/incidents/new", Needs(IncidentCreate), Read, incidents::form)
            .about("The form of an incident."),
        Route::get("/incidents/{number}", Needs(IncidentRead), Read, incidents::show_one)
            .about("One incident."),
        Route::get("/problems", Needs(IncidentRead), Read, problems::show)
            .about("Problems, those that are open first of all."),
        Route::get("/problems/new", Needs(ProblemEdit), Read, problems::form)
            .about("The form of a problem."),
        Route::get("/problems/{number}", Needs(IncidentRead), Read, problems::show_one)
            .about("One problem."),
    ]
}

fn acting() -> Vec<Route> {
    vec![
        Route::post("/incidents", Needs(IncidentCreate), Act, incidents::open)
            .about("Open an incident."),
        Route::post("/incidents/{number}/move", Needs(IncidentEdit), Act, incidents::advance)
            .about("Say that an incident is worked on, or waits."),
        Route::post("/incidents/{number}/resolve", Needs(IncidentEdit), Act, incidents::resolve)
            .about("Say that an incident is over, and how."),
        Route::post("/incidents/{number}/problem", Needs(ProblemEdit), Act, incidents::blame)
            .about("Link an incident to a problem."),
        Route::post("/problems", Needs(ProblemEdit), Act, problems::open).about("Open a problem."),
        Route::post("/problems/{number}/move", Needs(ProblemEdit), Act, problems::advance)
            .about("Say where a problem stands."),
        Route::post("/problems/{number}/link", Needs(ProblemEdit), Act, problems::link)
            .about("Link further incidents and changes to a problem."),
        Route::post("/problems/{number}/resolve", Needs(ProblemEdit), Act, problems::resolve)
            .about("Say that a problem is over, and how."),
    ]
}
