//! Windows of the calendar: what there is, what one would hold, and what people make.

use sluice_core::permission::Permission::{CalendarEdit, CalendarRead};

use crate::api::windows;
use crate::route::Access::{AnyToken, Needs};
use crate::route::Class::{Act, Read};
use crate::route::Route;

pub(super) fn windows() -> Vec<Route> {
    vec![
        Route::get("/api/v1/calendar/windows", Needs(CalendarRead), Read, windows::list)
            .about("List the windows there are: those that files declare, then those that people made.")
            .gives("CalendarWindowList"),
        Route::post("/api/v1/calendar/windows", Needs(CalendarEdit), Act, windows::make)
            .about("Make a window; where a second person could agree, it waits for one.")
            .takes("WindowRequest")
            .answers(201, "application/json")
            .gives("WindowReply"),
        Route::post("/api/v1/calendar/windows/{name}", Needs(CalendarEdit), Act, windows::alter)
            .about("Alter a window that a person made; where a second person could agree, it waits for one.")
            .takes("WindowAlterRequest")
            .gives("WindowReply"),
        Route::post("/api/v1/calendar/windows/{name}/end", Needs(CalendarEdit), Act, windows::end)
            .about("End a window that a person made; where a second person could agree, it waits for one.")
            .takes("ReasonRequest")
            .gives("WindowReply"),
        Route::post("/api/v1/calendar/preview", Needs(CalendarRead), Read, windows::preview)
            .about("Show what a window would hold, and when it would come. It records nothing.")
            .takes("WindowWish")
            .gives("WindowPreview"),
        Route::get("/api/v1/calendar/proposals", Needs(CalendarRead), Read, windows::proposals)
            .about("List what of the calendar waits for a second person.")
            .gives("WindowProposalList"),
        // Whoever may agree to a plan of files everywhere may, too: which of both it takes is decided there.
        Route::post(
            "/api/v1/calendar/proposals/{id}/confirm",
            AnyToken,
            Act,
            windows::confirm,
        )
        .about("Agree to what another person proposed for the calendar; it holds from now on.")
        .gives("Done"),
        Route::post("/api/v1/calendar/proposals/{id}/refuse", AnyToken, Act, windows::refuse)
            .about("Refuse what another person proposed for the calendar, or take one's own back.")
            .takes("ReasonRequest")
            .gives("Done"),
    ]
}
