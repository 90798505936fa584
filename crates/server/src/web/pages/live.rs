//! Live updates: the size of the ledger as it grows, for pages that show what has changed.
//!
//! Nothing of what happened is told here: the script asks for its own page again, with its own rights.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::guard::By;
use crate::overload::Place;

/// How often a comment is sent while nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// What happens within this time is told at once.
const TOGETHER: Duration = Duration::from_millis(400);

pub(crate) async fn follow(
    State(app): State<App>,
    By(caller): By,
    Extension(place): Extension<Place>,
) -> impl IntoResponse {
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(4);
    tokio::spawn(async move {
        let mut size = app.engine.watch_size();
        let follow = async {
            loop {
                if app.engine.as_now(&caller).is_none() {
                    return;
                }
                let now = *size.borrow_and_update();
                let event = Event::default().event("size").data(now.to_string());
                if sender.send(Ok(event)).await.is_err() {
                    return;
                }
                let grown = tokio::select! {
                    grown = size.changed() => grown.is_ok(),
                    () = sender.closed() => false,
                };
                if !grown {
                    return;
                }
                tokio::time::sleep(TOGETHER).await;
            }
        };
        tokio::select! {
            () = follow => {}
            () = app.closed() => {}
        }
        drop(place);
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
