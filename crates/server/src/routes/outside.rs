//! What needs no token: deliveries, reports of browsers, health, measurements, the API's description.

use crate::api::system;
use crate::route::Access::{Metrics, Public};
use crate::route::Class::{Deliver, Light};
use crate::route::Route;
use crate::{hooks, reports};

pub(super) fn outside() -> Vec<Route> {
    const SIGNED: &str = "senders sign their deliveries and have no token";
    vec![
        Route::post("/hooks/{hook}", Public(SIGNED), Deliver, hooks::deliver)
            .about("Take a delivery of a link; the signature is over the raw bytes.")
            .answers(202, "application/json")
            .gives("HookReply"),
        Route::options("/hooks/{hook}", Public(SIGNED), Light, hooks::agree)
            .about("Agree to be sent CloudEvents.")
            .answers(200, ""),
        Route::post(
            "/reports/csp",
            Public("browsers report what a page was kept from"),
            Deliver,
            reports::take,
        )
        .at_most(reports::MOST)
        .about("Take a browser's report about the content security policy; it is logged, not kept.")
        .answers(204, ""),
        Route::get("/healthz", Public("for those who restart the process"), Light, system::health)
            .about("Whether the process answers.")
            .gives("Health"),
        Route::get("/readyz", Public("for those who send requests here"), Light, system::ready)
            .about("Whether what is asked can be recorded.")
            .gives("Health"),
        Route::get("/metrics", Metrics, Light, system::metrics)
            .about("Measurements, in the OpenMetrics text form.")
            .answers(200, "application/openmetrics-text"),
        Route::get(
            "/api/v1/openapi.json",
            Public("the API's description holds no data"),
            Light,
            system::openapi,
        )
        .about("This description.")
        .answers(200, "application/vnd.oai.openapi+json")
        .gives("AnyObject"),
    ]
}
